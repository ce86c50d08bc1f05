#include "train/models/mobilenet_v2.h"

#include <array>

#include "train/kernels/fused_ops.h"
#include "train/models/conv_norm_act.h"
#include "train/models/layout.h"

namespace genu::train {

namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;

class InvertedResidual : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t in_channels = 0;
    std::int64_t out_channels = 0;
    std::int64_t stride = 1;
    std::int64_t expansion = 6;
  };

  explicit InvertedResidual(const Options& options)
      : has_shortcut_(options.stride == 1 && options.in_channels == options.out_channels) {
    const std::int64_t hidden = options.in_channels * options.expansion;
    auto layers = std::make_shared<torch::nn::Module>("Sequential");
    std::size_t index = 0;
    if (options.expansion != 1) {
      expand_ = layers->register_module(std::to_string(index++),
                                        std::make_shared<ConvNormAct>(ConvNormActOptions{
                                            .in_channels = options.in_channels, .out_channels = hidden, .kernel = 1}));
    }
    depthwise_ = layers->register_module(
        std::to_string(index++),
        std::make_shared<ConvNormAct>(ConvNormActOptions{
            .in_channels = hidden, .out_channels = hidden, .kernel = 3, .stride = options.stride, .groups = hidden}));
    project_ = layers->register_module(std::to_string(index++),
                                       Conv2d(torch::nn::Conv2dOptions(hidden, options.out_channels, 1).bias(false)));
    norm_ = layers->register_module(std::to_string(index++), BatchNorm2d(options.out_channels));
    register_module("conv", layers);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor expanded = expand_ ? expand_->forward(x) : x;
    const torch::Tensor out = norm_act(*norm_, project_(depthwise_->forward(expanded)), Activation::kNone);
    return has_shortcut_ ? x + out : out;
  }

 private:
  bool has_shortcut_;
  std::shared_ptr<ConvNormAct> expand_;
  std::shared_ptr<ConvNormAct> depthwise_;
  Conv2d project_{nullptr};
  BatchNorm2d norm_{nullptr};
};

// Table 2 of the paper: expansion, channels, repeats, first stride.
struct Stage {
  std::int64_t expansion, channels, repeats, stride;
};
constexpr std::array<Stage, 7> kStages = {
    {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}};
constexpr std::int64_t kStemChannels = 32;
constexpr std::int64_t kLastChannels = 1280;

class MobileNetV2 : public GraderModel {
 public:
  explicit MobileNetV2(const MobileNetV2Options& options) {
    auto features = std::make_shared<torch::nn::Module>("Sequential");
    std::size_t index = 0;
    stem_ = features->register_module(std::to_string(index++),
                                      std::make_shared<ConvNormAct>(ConvNormActOptions{
                                          .in_channels = 3, .out_channels = kStemChannels, .kernel = 3, .stride = 2}));
    std::int64_t channels = kStemChannels;
    for (const Stage& stage : kStages) {
      for (std::int64_t i = 0; i < stage.repeats; ++i) {
        residuals_.push_back(features->register_module(
            std::to_string(index++),
            std::make_shared<InvertedResidual>(InvertedResidual::Options{.in_channels = channels,
                                                                         .out_channels = stage.channels,
                                                                         .stride = i == 0 ? stage.stride : 1,
                                                                         .expansion = stage.expansion})));
        channels = stage.channels;
      }
    }
    last_ = features->register_module(std::to_string(index++),
                                      std::make_shared<ConvNormAct>(ConvNormActOptions{
                                          .in_channels = channels, .out_channels = kLastChannels, .kernel = 1}));
    register_module("features", features);
    auto classifier = std::make_shared<torch::nn::Module>("Sequential");
    dropout_ = classifier->register_module("0", torch::nn::Dropout(options.dropout));
    linear_ = classifier->register_module("1", torch::nn::Linear(kLastChannels, options.class_count));
    register_module("classifier", classifier);
    initialise();
  }

  torch::Tensor forward(const torch::Tensor& pixels) override {
    torch::Tensor x = stem_->forward(as_channels_last(pixels.size(1) == 1 ? pixels.expand({-1, 3, -1, -1}) : pixels));
    for (const auto& residual : residuals_) x = residual->forward(x);
    return linear_(dropout_(last_->forward(x).mean({2, 3})));
  }

  InputSpec input() const override { return {3, 224, InputSpec::Sides::kAny}; }
  std::string head_prefix() const override { return "classifier."; }
  std::vector<std::shared_ptr<torch::nn::Module>> feature_blocks() const override {
    std::vector<std::shared_ptr<torch::nn::Module>> blocks = {stem_};
    blocks.insert(blocks.end(), residuals_.begin(), residuals_.end());
    blocks.push_back(last_);
    return blocks;
  }

 private:
  // torchvision's: He for convolutions (fan out), N(0, 0.01) for the linear layer; batch norms start as 1 and 0.
  void initialise() {
    for (const auto& module : modules(false)) {
      if (const auto conv = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(module)) {
        torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut);
      }
    }
    torch::nn::init::normal_(linear_->weight, 0, 0.01);
    torch::nn::init::zeros_(linear_->bias);
  }

  std::shared_ptr<ConvNormAct> stem_;
  std::vector<std::shared_ptr<InvertedResidual>> residuals_;
  std::shared_ptr<ConvNormAct> last_;
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear linear_{nullptr};
};

}  // namespace

std::shared_ptr<GraderModel> make_mobilenet_v2(const MobileNetV2Options& options) {
  return std::make_shared<MobileNetV2>(options);
}

}  // namespace genu::train
