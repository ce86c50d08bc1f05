#include "train/models/conv_norm_act.h"

#include "train/kernels/fused_ops.h"

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
  const bool depthwise = conv_->options.groups() > 1;
  return norm_act(*norm_, depthwise ? depthwise_conv(*conv_, x) : conv_(x), Activation::kRelu6);
}

}  // namespace genu::train
