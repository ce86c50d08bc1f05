// Memory layout of a model's weights.
#pragma once

#include <torch/torch.h>

namespace genu::train {

// Stores convolution weights channels last, the layout in which CPU convolutions are fastest. Values stay the same.
void use_channels_last(torch::nn::Module& module);

// The batch [n, c, h, w] in channels-last layout, with strides that say so: of one channel, both layouts hold the same
// bytes, and LibTorch would take it for the other and convert every activation behind it.
torch::Tensor as_channels_last(const torch::Tensor& batch);

}  // namespace genu::train
