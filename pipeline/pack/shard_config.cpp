#include "pipeline/pack/shard_config.h"

namespace genu::pipeline {

void ShardConfig::list_fields(FieldList& fields) {
  fields.section("preprocess", preprocess, "from a decoded film to stored pixels");
  fields.add("variants", variants, Range{0, 255}, "baked augmentations of each training image beside the image itself");
  fields.section("augment", augment, "how baked variants are drawn");
  fields.add("seed", seed, Range<std::uint64_t>{}, "seed of the baked variants");
  fields.add("samples_per_shard", samples_per_shard, Range{1, 1000000}, "rows of one shard file");
  fields.choice("synthetic_held_out", synthetic_held_out,
                {{"keep", HeldOutSynthetic::kKeep}, {"drop", HeldOutSynthetic::kDrop}},
                "synthetic test and sample images: keep their split, or leave them out");
  fields.section("near_duplicates", near_duplicates, "search for copies of one image in two splits");
}

}  // namespace genu::pipeline
