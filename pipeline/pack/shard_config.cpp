#include "pipeline/pack/shard_config.h"

#include <algorithm>

namespace genu::pipeline {

void ShardConfig::list_fields(FieldList& fields) {
  fields.section("preprocess", preprocess, "from a decoded film to stored pixels");
  fields.add("variants", variants, Range{0, 255}, "baked augmentations of each training image beside the image itself");
  fields.section("augment", augment, "how baked variants are drawn");
  fields.add("seed", seed, Range<std::uint64_t>{}, "seed of the baked variants");
  fields.add("samples_per_shard", samples_per_shard, Range{1, 1000000},
             "rows of one shard file, fewer where pixels would pass 256 MiB");
  fields.choice("storage", storage, {{"plain", PixelStorage::kPlain}, {"deflate", PixelStorage::kDeflate}},
                "pixels as they are, or a third smaller and slower to load");
  fields.choice("synthetic_held_out", synthetic_held_out,
                {{"keep", HeldOutSynthetic::kKeep}, {"drop", HeldOutSynthetic::kDrop}},
                "synthetic test and sample images: keep their split, or leave them out");
  fields.add("synthetic_top_up", synthetic_top_up, Range{0, 100000000},
             "real training samples of a grade are topped up with synthetic ones to this count; 0 = take all");
  fields.section("near_duplicates", near_duplicates, "search for copies of one image in two splits");
}

std::size_t rows_per_shard(const ShardConfig& config) {
  constexpr std::size_t kMostBytes = std::size_t{256} << 20;
  const auto side = static_cast<std::size_t>(config.preprocess.size_px);
  return std::clamp(kMostBytes / (side * side), std::size_t{1}, static_cast<std::size_t>(config.samples_per_shard));
}

}  // namespace genu::pipeline
