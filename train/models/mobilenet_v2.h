// MobileNetV2, width 1.0 (Sandler et al., CVPR 2018), with torchvision's tensor names and initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

struct MobileNetV2Options {
  int class_count = 5;
  double dropout = 0.2;  // before the linear layer; 0 .. 1
};

// Input RGB, 224 px (any side >= 32). 19 feature blocks: the stem, 17 inverted residuals, the last 1 x 1 convolution.
std::shared_ptr<GraderModel> make_mobilenet_v2(const MobileNetV2Options& options);

}  // namespace genu::train
