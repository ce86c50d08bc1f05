// Convolution, batch norm, ReLU6: torchvision's Conv2dNormActivation, same tensor names ("0.weight", "1.weight", ...).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace genu::train {

struct ConvNormActOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;  // odd; padding keeps the side at stride 1
  std::int64_t stride = 1;
  std::int64_t groups = 1;
};

class ConvNormAct : public torch::nn::Module {
 public:
  explicit ConvNormAct(const ConvNormActOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};

}  // namespace genu::train
