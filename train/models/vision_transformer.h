// ViT-B/16 (Dosovitskiy et al., "An image is worth 16 x 16 words", ICLR 2021), with torchvision's tensor names and
// initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// The position embedding belongs to one side.
inline constexpr InputSpec kVitB16Input = {3, 224, InputSpec::Sides::kFixed};

struct VisionTransformerShape {
  int size_px = 224;
  std::int64_t patch_px = 16;
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  std::int64_t width = 768;
  std::int64_t mlp_width = 3072;
};

// Feature blocks: patches with their positions, one an encoder layer, the last norm. The head sees the class token.
std::shared_ptr<GraderModel> make_vision_transformer(const VisionTransformerShape& shape, const ModelOptions& options);
std::shared_ptr<GraderModel> make_vit_b16(const ModelOptions& options);

}  // namespace genu::train
