// The pieces that networks are built from.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/kernels/fused_ops.h"
#include "train/models/grader_model.h"

namespace genu::train {

struct ConvOptions {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t groups = 1;
  std::optional<std::int64_t> padding = {};  // nothing = kernel / 2, which keeps the side of odd kernels at stride 1
};

// Without bias.
torch::nn::Conv2d make_conv(const ConvOptions& options);

// A convolution and the batch norm behind it, registered in `parent` under the two names.
class ConvNorm {
 public:
  ConvNorm() = default;
  ConvNorm(torch::nn::Module& parent, const std::string& conv_name, const std::string& norm_name,
           const ConvOptions& options);
  torch::Tensor operator()(const torch::Tensor& x, Activation activation) const;
  explicit operator bool() const { return !conv_.is_empty(); }
  torch::nn::BatchNorm2d norm() const { return norm_; }
  // The modules that hold its parameters.
  std::vector<std::shared_ptr<torch::nn::Module>> modules() const { return {conv_.ptr(), norm_.ptr()}; }

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};

// Convolution, batch norm, activation: torchvision's Conv2dNormActivation, same tensor names ("0.weight", "1.weight").
class ConvNormAct : public torch::nn::Module {
 public:
  ConvNormAct(const ConvOptions& options, Activation activation)
      : layers_(*this, "0", "1", options), activation_(activation) {}
  torch::Tensor forward(const torch::Tensor& x) { return layers_(x, activation_); }

 private:
  ConvNorm layers_;
  Activation activation_;
};

// Modules and plain functions, one behind the other.
class Chain : public torch::nn::Module {
 public:
  Chain() : torch::nn::Module("Sequential") {}
  template <class M>
  Chain& add(const std::string& name, std::shared_ptr<M> module) {
    register_module(name, module);
    steps_.push_back([module](const torch::Tensor& x) { return module->forward(x); });
    return *this;
  }
  Chain& then(TensorFunction step) {
    steps_.push_back(std::move(step));
    return *this;
  }
  torch::Tensor forward(torch::Tensor x) {
    for (const auto& step : steps_) x = step(x);
    return x;
  }

 private:
  std::vector<TensorFunction> steps_;
};

// Squeeze-and-excitation (Hu et al., CVPR 2018): each channel times a factor 0 .. 1 made from all channels' means.
// Tensor names "fc1", "fc2" (1 x 1 convolutions), as torchvision's.
struct SqueezeExciteOptions {
  std::int64_t channels = 0;
  std::int64_t squeezed = 0;
  Activation activation = Activation::kRelu;
};
class SqueezeExcite : public torch::nn::Module {
 public:
  explicit SqueezeExcite(const SqueezeExciteOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d squeeze_{nullptr};
  torch::nn::Conv2d excite_{nullptr};
  Activation activation_;
};

// In training, sets whole samples of a residual branch to zero with this probability and scales the others up
// (Huang et al., "Deep networks with stochastic depth", ECCV 2016). Draws from torch's generator.
torch::Tensor drop_samples(const torch::Tensor& branch, double probability);

torch::Tensor activate(const torch::Tensor& x, Activation activation);

}  // namespace genu::train
