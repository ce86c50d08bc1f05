#include "train/models/custom_cnn.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

constexpr std::array<std::int64_t, 4> kChannels = {32, 64, 128, 256};
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

}  // namespace

std::shared_ptr<GraderModel> make_custom_cnn(const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kCustomCnnInput, options.channels));
  const auto features = add_group(*model, "features");
  std::int64_t channels = model->input().channels;
  for (std::size_t i = 0; i < kChannels.size(); ++i) {
    const std::string name = std::to_string(i);
    model->add_block(*features, name, "features." + name, std::make_shared<ConvBlock>(channels, kChannels[i]));
    channels = kChannels[i];
  }
  // Flattened channel by channel whatever the memory layout, so that weights do not depend on it.
  model->set_pool([](const torch::Tensor& maps) { return maps.contiguous().flatten(1); });
  model->add_head({.path = "classifier", .feature_count = kFlat, .native_hidden = {kHidden}, .weight_sd = {}}, options);
  return model;
}

}  // namespace genu::train
