// DenseNet-121 and -169 (Huang et al., CVPR 2017), with torchvision's tensor names and initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32.
inline constexpr InputSpec kDenseNetInput = {3, 224, InputSpec::Sides::kAny};

enum class DenseNetDepth : std::uint8_t { k121, k169 };

// Feature blocks: the stem, one a dense block and one a transition, the last norm.
std::shared_ptr<GraderModel> make_densenet(DenseNetDepth depth, const ModelOptions& options);

}  // namespace genu::train
