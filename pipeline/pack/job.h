// What one packing is: which samples, which of them are this machine's part, and a hash that tells it from any other.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Part `number` of `count`, 1 <= number <= count.
struct Part {
  std::size_t number = 1;
  std::size_t count = 1;
  bool operator==(const Part&) const = default;
};

// "2/8", or "env": RANK and WORLD_SIZE as torchrun sets them, else SLURM_ARRAY_TASK_ID with _MIN, _STEP and _COUNT.
// Throws UsageError.
Part parse_part(std::string_view text);

struct SampleRange {
  std::size_t first = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - first; }
};
// Contiguous, in order, sizes that differ by one at most.
SampleRange range_of(const Part& part, std::size_t samples);

// SHA-256 (hex) over the config and everything that is listed of each sample but where it lies.
std::string job_hash(const std::vector<SourceSample>& samples, const ShardConfig& config);

}  // namespace genu::pipeline
