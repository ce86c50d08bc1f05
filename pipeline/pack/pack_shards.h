// From listed images to a folder of shards: read, check, decode, prepare and augment in parallel, write in order.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"
#include "pipeline/split/split_rules.h"

namespace genu::pipeline {

struct PackOptions {
  std::filesystem::path out;  // folder; holds shards.json when all is done and nothing of ours when not
  int threads = 0;            // 0 = one a processor; changes speed only
  FaultPolicy policy = FaultPolicy::kSkip;
};

struct PackReport {
  SplitTable table;      // what was packed, variants not counted
  std::size_t rows = 0;  // variants counted
  std::size_t shards = 0;
  std::size_t negatives_righted = 0;
  std::size_t mirrored = 0;
  std::size_t repeated_files = 0;  // same bytes twice within one split
  PixelStatistics training_pixels;
  std::vector<SkippedInput> skipped;  // images that could not be used
  std::string split_proof_json;
  std::string index_sha256_hex;
};

// Drops what the config leaves out (synthetic held-out samples).
std::vector<SourceSample> choose_samples(std::vector<SourceSample> samples, const ShardConfig& config);

// Same bytes for any thread count. Memory does not grow with the number of images beyond their labels.
// Throws DataError if a split rule is broken (nothing is written then), if no image could be used, or at the first bad
// image under FaultPolicy::kStop; IoError if the disk is full. A set that lay in the folder is replaced at the end.
PackReport pack_shards(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options);

}  // namespace genu::pipeline
