#include "train/models/mobilenet_v1.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

// Table 1 of the paper: channels and stride of each depthwise separable convolution.
struct Stage {
  std::int64_t channels, stride;
};
constexpr std::array<Stage, 13> kStages = {{{64, 1},
                                            {128, 2},
                                            {128, 1},
                                            {256, 2},
                                            {256, 1},
                                            {512, 2},
                                            {512, 1},
                                            {512, 1},
                                            {512, 1},
                                            {512, 1},
                                            {512, 1},
                                            {1024, 2},
                                            {1024, 1}}};
constexpr std::int64_t kStemChannels = 32;

}  // namespace

std::shared_ptr<GraderModel> make_mobilenet_v1(const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kMobileNetV1Input, options.channels));
  const auto features = add_group(*model, "features");
  model->add_block(
      *features, "0", "features.0",
      std::make_shared<ConvNormAct>(
          ConvOptions{.in_channels = model->input().channels, .out_channels = kStemChannels, .kernel = 3, .stride = 2},
          Activation::kRelu));
  std::int64_t channels = kStemChannels;
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    const ConvOptions depthwise{.in_channels = channels,
                                .out_channels = channels,
                                .kernel = 3,
                                .stride = kStages[i].stride,
                                .groups = channels};
    const ConvOptions pointwise{.in_channels = channels, .out_channels = kStages[i].channels};
    auto block = std::make_shared<Chain>();
    block->add("0", std::make_shared<ConvNormAct>(depthwise, Activation::kRelu));
    block->add("1", std::make_shared<ConvNormAct>(pointwise, Activation::kRelu));
    const std::string name = std::to_string(i + 1);
    model->add_block(*features, name, "features." + name, block);
    channels = kStages[i].channels;
  }
  model->set_pool(average_pool);
  initialise_convolutions(*model);
  model->add_head({.path = "classifier.1",
                   .feature_count = channels,
                   .native_hidden = {},
                   .native_dropout = HeadPlan::NativeDropout::kBeforeLast,
                   .weight_sd = 0.01},
                  options);
  return model;
}

}  // namespace genu::train
