// MobileNetV1, width 1.0 (Howard et al., "MobileNets", 2017). torchvision has none; tensor names follow the pattern of
// its later ones: features.0.{0,1}, then features.K.{0,1}.{0,1} for the depthwise and the pointwise half.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32.
inline constexpr InputSpec kMobileNetV1Input = {3, 224, InputSpec::Sides::kAny};

// 14 feature blocks: the stem and 13 depthwise separable convolutions.
std::shared_ptr<GraderModel> make_mobilenet_v1(const ModelOptions& options);

}  // namespace genu::train
