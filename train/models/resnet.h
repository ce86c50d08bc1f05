// ResNet-18, -34 and -50 (He et al., CVPR 2016; stride in the 3 x 3 convolution of a bottleneck), with torchvision's
// tensor names and initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32.
inline constexpr InputSpec kResNetInput = {3, 224, InputSpec::Sides::kAny};

enum class ResNetDepth : std::uint8_t { k18, k34, k50 };

// Feature blocks: the stem (with its max-pool), then one a residual block.
std::shared_ptr<GraderModel> make_resnet(ResNetDepth depth, const ModelOptions& options);

}  // namespace genu::train
