// The work on one image that runs in parallel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/hash.h"
#include "pipeline/augment/augment.h"
#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"
#include "pipeline/split/near_duplicates.h"

namespace genu::pipeline {

struct PreparedVariant {
  AugmentParameters augmentation;
  std::vector<std::uint8_t> pixels;  // [size_px, size_px]
};

struct PreparedSample {
  std::vector<PreparedVariant> variants;  // first the image itself; empty if the image could not be used
  std::string fault;                      // one line, set where variants is empty
  Sha256Digest sha256{};
  ImageFingerprint fingerprint;
  std::uint64_t grey_sum = 0;  // over the image itself
  std::uint64_t grey_square_sum = 0;
  bool was_negative = false;
  bool was_mirrored = false;
};

// Pure function of the file's bytes, the sample's id and the config. Throws nothing that a bad file can cause.
PreparedSample prepare_sample(const SourceSample& sample, const ShardConfig& config);

}  // namespace genu::pipeline
