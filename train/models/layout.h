// Memory layout of a model's weights.
#pragma once

#include <torch/torch.h>

namespace genu::train {

// Stores convolution weights channels last, the layout in which CPU convolutions are fastest. Values stay the same.
void use_channels_last(torch::nn::Module& module);

}  // namespace genu::train
