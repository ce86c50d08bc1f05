// The work on one image that runs in parallel.
#pragma once

#include <vector>

#include "pipeline/pack/journal.h"
#include "pipeline/pack/shard_config.h"
#include "pipeline/shard/row_file.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

struct PreparedSample {
  PackedSample facts;            // its `rows` are filled when they are stored
  std::vector<EncodedRow> rows;  // first the image itself, then its baked variants; empty if it could not be used
};

// Pure function of the file's bytes, the sample's id and the config. Throws nothing that a bad file can cause.
PreparedSample prepare_sample(const SourceSample& sample, const ShardConfig& config);

// The config with what must be fitted filled in: the histogram reference of the usable training images, where matching
// is on and none is given. Reads every training image then; any thread count gives the same. Call inside a TBB arena.
ShardConfig fit_config(const std::vector<SourceSample>& samples, const ShardConfig& config);

// How the k-th baked variant of a sample is augmented; identity for k = 0.
AugmentParameters baked_augmentation(const SourceSample& sample, const ShardConfig& config, int variant);

}  // namespace genu::pipeline
