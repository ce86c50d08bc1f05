// Checks every byte of a shard set and says what is lost.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace genu::pipeline {

struct VerifyReport {
  std::size_t shards = 0;
  std::size_t samples = 0;          // as the index counts them
  std::size_t damaged_samples = 0;  // all samples of a shard that cannot be opened count
  std::vector<std::string> faults;  // one line each, in stored order: "FILE: sample ID (row N): fault"
  bool is_sound() const { return faults.empty(); }
};

// Goes on after a fault. Throws IoError or DataError only if the index itself cannot be read.
VerifyReport verify_shards(const std::filesystem::path& path);

}  // namespace genu::pipeline
