#include "train/models/compact_resnet.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

constexpr std::int64_t kStemChannels = 24;
constexpr std::array<std::int64_t, 4> kWidths = {32, 64, 128, 192};  // at 56, 28, 14 and 7 px
constexpr int kRepeats = 2;

class Residual : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t in_channels = 0;
    std::int64_t out_channels = 0;
    std::int64_t stride = 1;
  };

  explicit Residual(const Options& o) : stride_(o.stride) {
    first_ = ConvNorm(*this, "conv1", "norm1",
                      {.in_channels = o.in_channels, .out_channels = o.out_channels, .kernel = 3, .stride = o.stride});
    second_ =
        ConvNorm(*this, "conv2", "norm2", {.in_channels = o.out_channels, .out_channels = o.out_channels, .kernel = 3});
    excite_ = register_module("excite", std::make_shared<SqueezeExcite>(SqueezeExciteOptions{
                                            o.out_channels, o.out_channels / 4, Activation::kRelu}));
    if (o.stride != 1 || o.in_channels != o.out_channels) {
      shortcut_ = register_module("shortcut", std::make_shared<ConvNormAct>(ConvOptions{.in_channels = o.in_channels,
                                                                                        .out_channels = o.out_channels},
                                                                            Activation::kNone));
    }
  }

  // A new block starts as its shortcut: the second norm's scale is 0, and grows as it learns.
  void initialise() { torch::nn::init::zeros_(second_.norm()->weight); }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = excite_->forward(second_(first_(x, Activation::kRelu), Activation::kNone));
    if (!shortcut_) return (y + x).relu_();
    const torch::Tensor smaller = stride_ > 1 ? torch::avg_pool2d(x, 2, 2, 0, /*ceil_mode=*/true) : x;
    return (y + shortcut_->forward(smaller)).relu_();
  }

 private:
  std::int64_t stride_;
  ConvNorm first_;
  ConvNorm second_;
  std::shared_ptr<SqueezeExcite> excite_;
  std::shared_ptr<ConvNormAct> shortcut_;
};

}  // namespace

std::shared_ptr<GraderModel> make_compact_resnet(const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kCompactResNetInput, options.channels));
  model->add_block(
      *model, "stem", "stem",
      std::make_shared<ConvNormAct>(
          ConvOptions{.in_channels = model->input().channels, .out_channels = kStemChannels, .kernel = 5, .stride = 2},
          Activation::kRelu));
  std::vector<std::shared_ptr<Residual>> residuals;
  std::int64_t channels = kStemChannels;
  for (std::size_t stage = 0; stage < kWidths.size(); ++stage) {
    const std::string stage_name = "stage" + std::to_string(stage + 1);
    const auto group = add_group(*model, stage_name);
    for (int i = 0; i < kRepeats; ++i) {
      const std::string name = std::to_string(i);
      residuals.push_back(std::make_shared<Residual>(
          Residual::Options{.in_channels = channels, .out_channels = kWidths[stage], .stride = i == 0 ? 2 : 1}));
      model->add_block(*group, name, stage_name + "." + name, residuals.back());
      channels = kWidths[stage];
    }
  }
  model->set_pool([](const torch::Tensor& maps) { return torch::cat({average_pool(maps), maps.amax({2, 3})}, 1); });
  initialise_convolutions(*model);
  for (const auto& residual : residuals) residual->initialise();
  model->add_head({.path = "head.1",
                   .feature_count = 2 * channels,
                   .native_hidden = {},
                   .native_dropout = HeadPlan::NativeDropout::kBeforeLast,
                   .weight_sd = 0.01},
                  options);
  return model;
}

}  // namespace genu::train
