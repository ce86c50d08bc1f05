// Our own network: grades a 224 px knee fast on two processor cores in a file of 8 MB.
//
// Joint space width is what a grade hangs on, and it is 5 to 10 px of 224: so the first stride is the only one before
// features are made, and the head sees the largest response of each map beside its mean (a joint is as narrow as its
// narrowest place, a spur is small). Plain 3 x 3 convolutions in channels-last layout come close to a processor's peak
// rate, depthwise ones stay far below it: at 0.39 G multiply-adds a knee (MobileNetV2 0.31) it takes less time. Widths
// are chosen so that every stage costs about the same and the weights stay below 2 M. Around each pair of convolutions
// a shortcut (He et al., CVPR 2016) that averages before it projects, so that no pixel is skipped (He et al., "Bag of
// tricks", CVPR 2019); inside it squeeze-and-excitation (Hu et al., CVPR 2018), 2 % of the time.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32.
inline constexpr InputSpec kCompactResNetInput = {1, 224, InputSpec::Sides::kAny};

// 9 feature blocks: the stem and eight residual blocks. Own head: dropout, linear layer.
std::shared_ptr<GraderModel> make_compact_resnet(const ModelOptions& options);

}  // namespace genu::train
