// What `genu shard` does to every image. Stored in the shards; where the images lie is not part of it, so that the same
// images give the same bytes from any folder.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/config.h"
#include "pipeline/augment/augment.h"
#include "pipeline/preprocess/prepare_image.h"
#include "pipeline/shard/row_file.h"
#include "pipeline/split/near_duplicates.h"

namespace genu::pipeline {

enum class HeldOutSynthetic : std::uint8_t {
  kKeep,  // synthetic test and sample images keep their split
  kDrop,  // only synthetic training images are packed
};

struct ShardConfig {
  PreprocessConfig preprocess;
  int variants = 0;       // baked augmentations of each training image, beside the image itself
  AugmentConfig augment;  // how the variants are drawn
  std::uint64_t seed = 0;
  int samples_per_shard = 2048;
  PixelStorage storage = PixelStorage::kPlain;
  HeldOutSynthetic synthetic_held_out = HeldOutSynthetic::kKeep;
  int synthetic_top_up =
      0;  // synthetic training samples only up to so many of a grade together with real ones; 0 = all
  NearDuplicateConfig near_duplicates;
  void list_fields(FieldList& fields);
};

// Rows of one shard file: samples_per_shard, fewer where their pixels would pass 256 MiB, for a shard is completed in
// memory.
std::size_t rows_per_shard(const ShardConfig& config);

}  // namespace genu::pipeline
