// The small published network for 128 px greyscale knees: four blocks of 3 x 3 convolution, batch norm, ReLU and
// 2 x 2 max-pool (32-64-128-256 channels), then 16,384-256-classes with dropout before the last layer.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

inline constexpr InputSpec kCustomCnnInput = {1, 128, InputSpec::Sides::kFixed};

std::shared_ptr<GraderModel> make_custom_cnn(const ModelOptions& options);

}  // namespace genu::train
