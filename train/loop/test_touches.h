// How often a checkpoint has been shown a test split: each look, and each choice made after it, spends a little of what
// the split is worth.
#pragma once

#include <filesystem>
#include <string>

namespace genu::train {

// Adds one to the count kept in FOLDER/test_touches.json for the shards with this hash and returns it, with the epochs
// of the run that validated on the test split of these shards. Throws IoError if the folder cannot be written,
// DataError if the file is damaged.
int count_test_touch(const std::filesystem::path& folder, const std::string& shards_sha256);

}  // namespace genu::train
