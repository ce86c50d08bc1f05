#include "train/models/blocks.h"

namespace genu::train {

torch::nn::Conv2d make_conv(const ConvOptions& options) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(options.in_channels, options.out_channels, options.kernel)
                               .stride(options.stride)
                               .padding(options.padding.value_or(options.kernel / 2))
                               .groups(options.groups)
                               .bias(false));
}

ConvNorm::ConvNorm(torch::nn::Module& parent, const std::string& conv_name, const std::string& norm_name,
                   const ConvOptions& options) {
  conv_ = parent.register_module(conv_name, make_conv(options));
  norm_ = parent.register_module(norm_name, torch::nn::BatchNorm2d(options.out_channels));
}

torch::Tensor ConvNorm::operator()(const torch::Tensor& x, Activation activation) const {
  torch::nn::Conv2dImpl& conv = *conv_.ptr();
  const bool depthwise = conv.options.groups() > 1;
  return norm_act(*norm_.ptr(), depthwise ? depthwise_conv(conv, x) : conv.forward(x), activation);
}

SqueezeExcite::SqueezeExcite(const SqueezeExciteOptions& options) : activation_(options.activation) {
  squeeze_ = register_module("fc1", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.channels, options.squeezed, 1)));
  excite_ = register_module("fc2", torch::nn::Conv2d(torch::nn::Conv2dOptions(options.squeezed, options.channels, 1)));
}

torch::Tensor SqueezeExcite::forward(const torch::Tensor& x) {
  const torch::Tensor means = x.mean({2, 3}, /*keepdim=*/true);
  return x * torch::sigmoid(excite_(activate(squeeze_(means), activation_)));
}

torch::Tensor drop_samples(const torch::Tensor& branch, double probability) {
  const torch::Tensor kept = torch::empty({branch.size(0), 1, 1, 1}, branch.options()).bernoulli_(1.0 - probability);
  return branch * kept.div_(1.0 - probability);
}

torch::Tensor activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kRelu6:
      return torch::relu6(x);
    case Activation::kSilu:
      return torch::silu(x);
    case Activation::kNone:
      break;
  }
  return x;
}

}  // namespace genu::train
