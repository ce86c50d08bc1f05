#include "train/models/mobilenet_v2.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

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
    const auto layers = add_group(*this, "conv");
    std::size_t index = 0;
    if (options.expansion != 1) {
      expand_ = layers->register_module(
          std::to_string(index++),
          std::make_shared<ConvNormAct>(ConvOptions{.in_channels = options.in_channels, .out_channels = hidden},
                                        Activation::kRelu6));
    }
    const ConvOptions depthwise{
        .in_channels = hidden, .out_channels = hidden, .kernel = 3, .stride = options.stride, .groups = hidden};
    depthwise_ =
        layers->register_module(std::to_string(index), std::make_shared<ConvNormAct>(depthwise, Activation::kRelu6));
    project_ = ConvNorm(*layers, std::to_string(index + 1), std::to_string(index + 2),
                        {.in_channels = hidden, .out_channels = options.out_channels});
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor expanded = expand_ ? expand_->forward(x) : x;
    const torch::Tensor out = project_(depthwise_->forward(expanded), Activation::kNone);
    return has_shortcut_ ? x + out : out;
  }

 private:
  bool has_shortcut_;
  std::shared_ptr<ConvNormAct> expand_;
  std::shared_ptr<ConvNormAct> depthwise_;
  ConvNorm project_;
};

// Table 2 of the paper: expansion, channels, repeats, first stride.
struct Stage {
  std::int64_t expansion, channels, repeats, stride;
};
constexpr std::array<Stage, 7> kStages = {
    {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}}};
constexpr std::int64_t kStemChannels = 32;
constexpr std::int64_t kLastChannels = 1280;

}  // namespace

std::shared_ptr<GraderModel> make_mobilenet_v2(const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kMobileNetV2Input, options.channels));
  const auto features = add_group(*model, "features");
  std::size_t index = 0;
  const auto add = [&](auto block) {
    const std::string name = std::to_string(index++);
    model->add_block(*features, name, "features." + name, std::move(block));
  };
  add(std::make_shared<ConvNormAct>(
      ConvOptions{.in_channels = model->input().channels, .out_channels = kStemChannels, .kernel = 3, .stride = 2},
      Activation::kRelu6));
  std::int64_t channels = kStemChannels;
  for (const Stage& stage : kStages) {
    for (std::int64_t i = 0; i < stage.repeats; ++i) {
      add(std::make_shared<InvertedResidual>(InvertedResidual::Options{.in_channels = channels,
                                                                       .out_channels = stage.channels,
                                                                       .stride = i == 0 ? stage.stride : 1,
                                                                       .expansion = stage.expansion}));
      channels = stage.channels;
    }
  }
  add(std::make_shared<ConvNormAct>(ConvOptions{.in_channels = channels, .out_channels = kLastChannels},
                                    Activation::kRelu6));
  model->set_pool(average_pool);
  initialise_convolutions(*model);
  model->add_head({.path = "classifier.1",
                   .feature_count = kLastChannels,
                   .native_hidden = {},
                   .native_dropout = HeadPlan::NativeDropout::kBeforeLast,
                   .weight_sd = 0.01},
                  options);
  return model;
}

}  // namespace genu::train
