// One training run over shards: `genu train`, and each part of `genu crossval`.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "train/loop/fit.h"

namespace genu::train {

// Indices into the shards.
struct ChosenSamples {
  std::vector<std::size_t> training;
  std::vector<std::size_t> validation;  // empty: none
};

struct RunRequest {
  std::filesystem::path folder;
  RunMode mode = RunMode::kFresh;
  int threads = 0;                       // of the loader, 0 = one a processor
  Ranks* ranks = nullptr;                // with which this process steps together
  std::optional<ChosenSamples> samples;  // in place of the shards' own splits and the config's choice among them
};

// Throws what check_config(), training_source(), evaluation_source() and fit() throw; UsageError where the ranks differ
// in config, shards or mode.
FitOutcome run_training(const TrainConfig& config, const std::shared_ptr<const pipeline::ShardSet>& shards,
                        const RunRequest& request, const StopRequest& stop);

}  // namespace genu::train
