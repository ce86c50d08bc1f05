// Layers of a network through our own kernels where they apply (CPU, channels last, float or bfloat16), through
// LibTorch's operators everywhere else. Same results up to rounding.
#pragma once

#include <torch/torch.h>

#include "train/kernels/norm_kernels.h"

namespace genu::train {

using kernels::Activation;

// Batch norm and activation in one. Training mode takes the batch's statistics and updates the running ones.
torch::Tensor norm_act(torch::nn::BatchNorm2dImpl& norm, const torch::Tensor& x, Activation activation);

// A depthwise convolution; bfloat16 under autocast. Our own kernel takes 3 x 3 with padding 1 and no bias.
torch::Tensor depthwise_conv(torch::nn::Conv2dImpl& conv, const torch::Tensor& x);

}  // namespace genu::train
