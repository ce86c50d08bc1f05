// Xception (Chollet, CVPR 2017). torchvision has none; the tensor names are our own: conv1, conv2, block1 .. block12,
// conv3, conv4, fc.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 75, as the 3 x 3 convolutions of the stem are not padded.
inline constexpr InputSpec kXceptionInput = {3, 299, InputSpec::Sides::kAny};

// 16 feature blocks: conv1, conv2, twelve residual blocks, conv3, conv4.
std::shared_ptr<GraderModel> make_xception(const ModelOptions& options);

}  // namespace genu::train
