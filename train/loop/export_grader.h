// From a training run to a folder to ship:
//   model.safetensors   the weights that grade, without what training needs
//   grader.yaml         GraderConfig with temperature, limit and the hashes of the two other files
//   knees.safetensors   KneeStatistics of the training part, where asked for
// It grades in fp32, on every machine alike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "pipeline/loader/shard_set.h"
#include "train/loop/train_config.h"

namespace genu::train {

enum class WeightStorage : std::uint8_t {
  kFp32,  // as trained
  kHalf,  // matrices and kernels as float16, vectors as trained; grading converts them back
};

struct ExportOptions {
  WeightStorage storage = WeightStorage::kFp32;
  bool fit_temperature = true;              // on the val part
  int components = 64;                      // axes of the statistics; 0 = none, and every picture is graded
  double quantile = 0.995;                  // share of the training part within the limit
  std::optional<SourceChoice> source = {};  // of both parts; nothing = real samples where there are any, else all
  int threads = 0;
};

struct ExportOutcome {
  std::uintmax_t bytes = 0;  // of the folder
  std::string weights_sha256;
  std::optional<double> temperature;
  std::size_t val_samples = 0;                                 // that it was fitted on
  double calibration_error = 0, scaled_calibration_error = 0;  // on them; scaled: fitted on the other half of subjects
  std::optional<double> distance_limit;
  std::size_t train_samples = 0;  // that the statistics were fitted on
};

// The same checkpoint, shards, options and thread count give the same bytes; `out` appears whole or not at all.
// Throws UsageError if `out` exists or the checkpoint has no features to fit, DataError if the shards are not those of
// its training or lack a part, IoError.
ExportOutcome export_grader(const std::filesystem::path& checkpoint,
                            const std::shared_ptr<const pipeline::ShardSet>& shards, const ExportOptions& options,
                            const std::filesystem::path& out);

}  // namespace genu::train
