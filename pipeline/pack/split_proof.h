// What is proven of a packing before it is published, and the facts that every shard repeats.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/pack/journal.h"
#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"
#include "pipeline/split/split_rules.h"

namespace genu::pipeline {

struct ProvenFacts {
  SplitTable table;
  PixelStatistics training_pixels;
  std::size_t repeated_files = 0;
  std::string split_proof_json;
};

// samples[i] and packed[i] belong together; none was left out. structure_of(i) as check_near_duplicates() takes it.
// Throws DataError naming both files if an image is in two splits.
ProvenFacts prove_split(std::span<const SourceSample> samples, std::span<const PackedSample* const> packed,
                        const ShardConfig& config, const std::function<StructureMap(std::size_t)>& structure_of);

}  // namespace genu::pipeline
