#include "train/models/xception.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

// A depthwise 3 x 3 convolution and a pointwise one, then batch norm. Names "depthwise", "pointwise", "norm".
class SeparableConvNorm : public torch::nn::Module {
 public:
  SeparableConvNorm(std::int64_t in_channels, std::int64_t out_channels, Activation activation)
      : activation_(activation) {
    depthwise_ = register_module(
        "depthwise",
        make_conv({.in_channels = in_channels, .out_channels = in_channels, .kernel = 3, .groups = in_channels}));
    pointwise_ = ConvNorm(*this, "pointwise", "norm", {.in_channels = in_channels, .out_channels = out_channels});
  }
  torch::Tensor forward(const torch::Tensor& x) { return pointwise_(depthwise_conv(*depthwise_, x), activation_); }

 private:
  torch::nn::Conv2d depthwise_{nullptr};
  ConvNorm pointwise_;
  Activation activation_;
};

// Separable convolutions with a ReLU before each, around them a shortcut.
class ResidualBlock : public torch::nn::Module {
 public:
  enum class Start : std::uint8_t { kWithRelu, kWithoutRelu };
  struct Options {
    std::vector<std::int64_t> channels;  // from the input on
    Start start = Start::kWithRelu;
    std::int64_t stride = 1;  // 2: max-pool at the end, and a 1 x 1 convolution as shortcut
  };

  explicit ResidualBlock(const Options& o) : starts_with_relu_(o.start == Start::kWithRelu), stride_(o.stride) {
    for (std::size_t i = 0; i + 1 < o.channels.size(); ++i) {
      // The ReLU before the next convolution is that behind this norm.
      const Activation behind = i + 2 < o.channels.size() ? Activation::kRelu : Activation::kNone;
      layers_.push_back(register_module("separable" + std::to_string(i + 1),
                                        std::make_shared<SeparableConvNorm>(o.channels[i], o.channels[i + 1], behind)));
    }
    if (o.stride > 1) {
      shortcut_ =
          register_module("shortcut", std::make_shared<ConvNormAct>(ConvOptions{.in_channels = o.channels.front(),
                                                                                .out_channels = o.channels.back(),
                                                                                .kernel = 1,
                                                                                .stride = o.stride},
                                                                    Activation::kNone));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor y = starts_with_relu_ ? torch::relu(x) : x;
    for (const auto& layer : layers_) y = layer->forward(y);
    if (stride_ > 1) y = torch::max_pool2d(y, 3, stride_, 1);
    return y + (shortcut_ ? shortcut_->forward(x) : x);
  }

 private:
  bool starts_with_relu_;
  std::int64_t stride_;
  std::vector<std::shared_ptr<SeparableConvNorm>> layers_;
  std::shared_ptr<ConvNormAct> shortcut_;
};

constexpr int kMiddleBlocks = 8;
constexpr std::int64_t kMiddleChannels = 728;

std::vector<ResidualBlock::Options> residual_plan() {
  using Start = ResidualBlock::Start;
  std::vector<ResidualBlock::Options> plan = {
      {{64, 128, 128}, Start::kWithoutRelu, 2},
      {{128, 256, 256}, Start::kWithRelu, 2},
      {{256, kMiddleChannels, kMiddleChannels}, Start::kWithRelu, 2},
  };
  for (int i = 0; i < kMiddleBlocks; ++i) {
    plan.push_back({std::vector<std::int64_t>(4, kMiddleChannels), Start::kWithRelu, 1});
  }
  plan.push_back({{kMiddleChannels, kMiddleChannels, 1024}, Start::kWithRelu, 2});
  return plan;
}

}  // namespace

std::shared_ptr<GraderModel> make_xception(const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kXceptionInput, options.channels));
  const auto add = [&](const std::string& name, auto block) { model->add_block(*model, name, name, std::move(block)); };
  add("conv1",
      std::make_shared<ConvNormAct>(
          ConvOptions{
              .in_channels = model->input().channels, .out_channels = 32, .kernel = 3, .stride = 2, .padding = 0},
          Activation::kRelu));
  add("conv2", std::make_shared<ConvNormAct>(
                   ConvOptions{.in_channels = 32, .out_channels = 64, .kernel = 3, .padding = 0}, Activation::kRelu));
  const auto plan = residual_plan();
  for (std::size_t i = 0; i < plan.size(); ++i) {
    add("block" + std::to_string(i + 1), std::make_shared<ResidualBlock>(plan[i]));
  }
  add("conv3", std::make_shared<SeparableConvNorm>(1024, 1536, Activation::kRelu));
  add("conv4", std::make_shared<SeparableConvNorm>(1536, 2048, Activation::kRelu));
  model->set_pool(average_pool);
  initialise_convolutions(*model);
  model->add_head({.path = "fc", .feature_count = 2048, .native_hidden = {}, .weight_sd = {}}, options);
  return model;
}

}  // namespace genu::train
