#include "train/models/custom_cnn.h"

#include <array>

#include "train/kernels/fused_ops.h"
#include "train/models/layout.h"

namespace genu::train {

namespace {

constexpr std::array<std::int64_t, 5> kChannels = {1, 32, 64, 128, 256};
constexpr int kSidePx = 128;
constexpr std::int64_t kFlat = 256 * 8 * 8;
constexpr std::int64_t kHidden = 256;

class ConvBlock : public torch::nn::Module {
 public:
  ConvBlock(std::int64_t in_channels, std::int64_t out_channels) {
    conv_ =
        register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, 3).padding(1)));
    norm_ = register_module("norm", torch::nn::BatchNorm2d(out_channels));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::max_pool2d(norm_act(*norm_, conv_(x), Activation::kRelu), 2);
  }

 private:
  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
};

class CustomCnn : public GraderModel {
 public:
  explicit CustomCnn(const CustomCnnOptions& options) {
    auto features = std::make_shared<torch::nn::Module>("Sequential");
    for (std::size_t i = 0; i + 1 < kChannels.size(); ++i) {
      blocks_.push_back(
          features->register_module(std::to_string(i), std::make_shared<ConvBlock>(kChannels[i], kChannels[i + 1])));
    }
    register_module("features", features);
    auto classifier = std::make_shared<torch::nn::Module>("Sequential");
    hidden_ = classifier->register_module("0", torch::nn::Linear(kFlat, kHidden));
    dropout_ = classifier->register_module("2", torch::nn::Dropout(options.dropout));
    output_ = classifier->register_module("3", torch::nn::Linear(kHidden, options.class_count));
    register_module("classifier", classifier);
  }

  torch::Tensor forward(const torch::Tensor& pixels) override {
    torch::Tensor x = as_channels_last(pixels);
    for (const auto& block : blocks_) x = block->forward(x);
    // Flattened channel by channel whatever the memory layout, so that weights do not depend on it.
    return output_(dropout_(torch::relu(hidden_(x.contiguous().flatten(1)))));
  }

  InputSpec input() const override { return {1, kSidePx, InputSpec::Sides::kFixed}; }
  std::string head_prefix() const override { return "classifier."; }
  std::vector<std::shared_ptr<torch::nn::Module>> feature_blocks() const override {
    return {blocks_.begin(), blocks_.end()};
  }

 private:
  std::vector<std::shared_ptr<ConvBlock>> blocks_;
  torch::nn::Linear hidden_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear output_{nullptr};
};

}  // namespace

std::shared_ptr<GraderModel> make_custom_cnn(const CustomCnnOptions& options) {
  return std::make_shared<CustomCnn>(options);
}

}  // namespace genu::train
