#include "train/models/densenet.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

constexpr std::int64_t kGrowth = 32;
constexpr std::int64_t kBottleneck = 4 * kGrowth;
constexpr std::int64_t kStemChannels = 64;

std::array<std::int64_t, 4> layers_of(DenseNetDepth depth) {
  if (depth == DenseNetDepth::k121) return {6, 12, 24, 16};
  return {6, 12, 32, 32};
}

// Norm and ReLU stand before each convolution.
class DenseLayer : public torch::nn::Module {
 public:
  explicit DenseLayer(std::int64_t in_channels) {
    norm1_ = register_module("norm1", torch::nn::BatchNorm2d(in_channels));
    conv1_ = register_module("conv1", make_conv({.in_channels = in_channels, .out_channels = kBottleneck}));
    norm2_ = register_module("norm2", torch::nn::BatchNorm2d(kBottleneck));
    conv2_ = register_module("conv2", make_conv({.in_channels = kBottleneck, .out_channels = kGrowth, .kernel = 3}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor narrow = conv1_(norm_act(*norm1_, x, Activation::kRelu));
    return conv2_(norm_act(*norm2_, narrow, Activation::kRelu));
  }

 private:
  torch::nn::BatchNorm2d norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
};

class DenseBlock : public torch::nn::Module {
 public:
  DenseBlock(std::int64_t in_channels, std::int64_t layer_count) {
    for (std::int64_t i = 0; i < layer_count; ++i) {
      layers_.push_back(register_module("denselayer" + std::to_string(i + 1),
                                        std::make_shared<DenseLayer>(in_channels + i * kGrowth)));
    }
  }
  torch::Tensor forward(torch::Tensor x) {
    for (const auto& layer : layers_) x = torch::cat({x, layer->forward(x)}, 1);
    return x;
  }

 private:
  std::vector<std::shared_ptr<DenseLayer>> layers_;
};

class Transition : public torch::nn::Module {
 public:
  explicit Transition(std::int64_t in_channels) {
    norm_ = register_module("norm", torch::nn::BatchNorm2d(in_channels));
    conv_ = register_module("conv", make_conv({.in_channels = in_channels, .out_channels = in_channels / 2}));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    return torch::avg_pool2d(conv_(norm_act(*norm_, x, Activation::kRelu)), 2);
  }

 private:
  torch::nn::BatchNorm2d norm_{nullptr};
  torch::nn::Conv2d conv_{nullptr};
};

}  // namespace

std::shared_ptr<GraderModel> make_densenet(DenseNetDepth depth, const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kDenseNetInput, options.channels));
  const auto features = add_group(*model, "features");
  const ConvNorm stem(
      *features, "conv0", "norm0",
      {.in_channels = model->input().channels, .out_channels = kStemChannels, .kernel = 7, .stride = 2});
  model->add_block({"features.conv0", stem.modules(),
                    [stem](const torch::Tensor& x) { return torch::max_pool2d(stem(x, Activation::kRelu), 3, 2, 1); }});
  const auto add = [&](const std::string& name, auto block) {
    model->add_block(*features, name, "features." + name, std::move(block));
  };
  const auto layers = layers_of(depth);
  std::int64_t channels = kStemChannels;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    add("denseblock" + std::to_string(i + 1), std::make_shared<DenseBlock>(channels, layers[i]));
    channels += layers[i] * kGrowth;
    if (i + 1 == layers.size()) break;
    add("transition" + std::to_string(i + 1), std::make_shared<Transition>(channels));
    channels /= 2;
  }
  const auto norm = features->register_module("norm5", torch::nn::BatchNorm2d(channels));
  model->add_block(
      {"features.norm5", {norm}, [norm](const torch::Tensor& x) { return norm_act(*norm, x, Activation::kRelu); }});
  model->set_pool(average_pool);
  for (const auto& child : model->modules(false)) {
    if (const auto conv = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(child)) {
      torch::nn::init::kaiming_normal_(conv->weight);
    }
  }
  model->add_head({.path = "classifier", .feature_count = channels, .native_hidden = {}, .weight_sd = {}}, options);
  return model;
}

}  // namespace genu::train
