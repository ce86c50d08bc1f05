#include "train/loop/test_touches.h"

#include <nlohmann/json.hpp>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "train/loop/checkpoint.h"

namespace genu::train {

namespace {

// One an epoch, where the training run itself validated on the test split of these shards.
int looks_in_training(const std::filesystem::path& folder, const std::string& shards_sha256) {
  const auto training = folder / "train.yaml", rows = folder / "metrics.csv";
  if (!std::filesystem::exists(training) || !std::filesystem::exists(rows)) return 0;
  const bool looked = read_checkpoint_config(folder).validation.split == SplitChoice::kTest &&
                      read_grader_config(folder).shards_sha256 == shards_sha256;
  return looked ? static_cast<int>(CsvTable::read(rows).size()) : 0;
}

}  // namespace

int count_test_touch(const std::filesystem::path& folder, const std::string& shards_sha256) {
  const auto path = folder / "test_touches.json";
  nlohmann::ordered_json counts = nlohmann::ordered_json::object();
  if (std::filesystem::exists(path)) {
    counts = nlohmann::ordered_json::parse(read_text_file(path), nullptr, /*allow_exceptions=*/false);
    if (!counts.is_object()) throw DataError(path.string() + ": not a list of counts; remove it to count from 0");
  }
  nlohmann::ordered_json& count = counts[shards_sha256];
  if (!count.is_null() && !count.is_number_unsigned()) {
    throw DataError(path.string() + ": not a list of counts; remove it to count from 0");
  }
  const int touches = (count.is_null() ? 0 : count.get<int>()) + 1;
  count = static_cast<unsigned>(touches);
  write_file_atomically(path, counts.dump(2) + "\n");
  return touches + looks_in_training(folder, shards_sha256);
}

}  // namespace genu::train
