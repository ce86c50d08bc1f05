// Whether a set of shards is still what its sources and config would give.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

struct StaleReport {
  // One line each: a config key that differs, an image that was changed, added or removed or gives other pixels (by
  // another box), a label that differs.
  std::vector<std::string> reasons;
  std::size_t compared = 0;  // images read and hashed
  bool is_stale() const { return !reasons.empty(); }
};

// Reads every listed image. An image that could not be used when the set was made, and still cannot, is no reason.
// `shards` as ShardSet::open() takes it; throws as that.
StaleReport check_stale(const std::vector<SourceSample>& samples, const ShardConfig& config,
                        const std::filesystem::path& shards, int threads);

}  // namespace genu::pipeline
