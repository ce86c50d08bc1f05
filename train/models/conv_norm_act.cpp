#include "train/models/conv_norm_act.h"

namespace genu::train {

ConvNormAct::ConvNormAct(const ConvNormActOptions& options) {
  conv_ = register_module(
      "0", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.in_channels, options.out_channels, options.kernel)
                                 .stride(options.stride)
                                 .padding(options.kernel / 2)
                                 .groups(options.groups)
                                 .bias(false)));
  norm_ = register_module("1", torch::nn::BatchNorm2d(options.out_channels));
}

torch::Tensor ConvNormAct::forward(const torch::Tensor& x) {
  torch::Tensor out = norm_(conv_(x));
  return torch::relu6_(out);
}

}  // namespace genu::train
