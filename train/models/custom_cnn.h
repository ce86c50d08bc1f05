// The small published network for 128 px greyscale knees: four blocks of 3 x 3 convolution, batch norm, ReLU and
// 2 x 2 max-pool (1-32-64-128-256 channels), then 16,384-256-classes with dropout before the last layer.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

struct CustomCnnOptions {
  int class_count = 5;
  double dropout = 0.5;  // 0 .. 1
};

// Input grey, 128 px.
std::shared_ptr<GraderModel> make_custom_cnn(const CustomCnnOptions& options);

}  // namespace genu::train
