// MobileNetV2, width 1.0 (Sandler et al., CVPR 2018), with torchvision's tensor names and initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32.
inline constexpr InputSpec kMobileNetV2Input = {3, 224, InputSpec::Sides::kAny};

// 19 feature blocks: the stem, 17 inverted residuals, the last 1 x 1 convolution. Published with dropout 0.2.
std::shared_ptr<GraderModel> make_mobilenet_v2(const ModelOptions& options);

}  // namespace genu::train
