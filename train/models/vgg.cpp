#include "train/models/vgg.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

constexpr std::array<std::int64_t, 5> kWidths = {64, 128, 256, 512, 512};
constexpr std::int64_t kPooledSide = 7;

std::int64_t convolutions_of(VggDepth depth, std::size_t stage) {
  if (stage < 2) return 2;
  return depth == VggDepth::k16 ? 3 : 4;
}

}  // namespace

std::shared_ptr<GraderModel> make_vgg(VggDepth depth, const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kVggInput, options.channels));
  const auto features = add_group(*model, "features");
  std::int64_t channels = model->input().channels;
  std::size_t index = 0;  // convolutions and ReLUs take two places of torchvision's sequence, a max-pool one
  for (std::size_t stage = 0; stage < kWidths.size(); ++stage) {
    const std::int64_t count = convolutions_of(depth, stage);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string name = std::to_string(index);
      const auto conv = features->register_module(
          name, torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, kWidths[stage], 3).padding(1)));
      const bool pools = i + 1 == count;
      model->add_block({"features." + name, {conv}, [conv, pools](const torch::Tensor& x) {
                          const torch::Tensor y = conv->forward(x).relu_();
                          return pools ? torch::max_pool2d(y, 2) : y;
                        }});
      channels = kWidths[stage];
      index += 2;
    }
    ++index;
  }
  model->set_pool([](const torch::Tensor& maps) {
    return torch::adaptive_avg_pool2d(maps, {kPooledSide, kPooledSide}).contiguous().flatten(1);
  });
  initialise_convolutions(*model);
  model->add_head({.path = "classifier",
                   .feature_count = channels * kPooledSide * kPooledSide,
                   .native_hidden = {4096, 4096},
                   .native_dropout = HeadPlan::NativeDropout::kBeforeLast,
                   .weight_sd = 0.01},
                  options);
  return model;
}

}  // namespace genu::train
