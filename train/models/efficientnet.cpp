#include "train/models/efficientnet.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

// Table 1 of the paper: expansion, kernel, first stride, channels and repeats of B0.
struct Stage {
  std::int64_t expansion, kernel, stride, channels, repeats;
};
constexpr std::array<Stage, 7> kStages = {{{1, 3, 1, 16, 1},
                                           {6, 3, 2, 24, 2},
                                           {6, 5, 2, 40, 2},
                                           {6, 3, 2, 80, 3},
                                           {6, 5, 1, 112, 3},
                                           {6, 5, 2, 192, 4},
                                           {6, 3, 1, 320, 1}}};
constexpr std::int64_t kStemChannels = 32;
constexpr double kLargestDrop = 0.2;

struct Scaling {
  double width, depth;
};
constexpr Scaling scaling_of(EfficientNetSize size) {
  return size == EfficientNetSize::kB0 ? Scaling{1.0, 1.0} : Scaling{1.4, 1.8};
}

// The nearest multiple of 8, but not below nine tenths.
std::int64_t scaled_channels(std::int64_t channels, double width) {
  const double wanted = static_cast<double>(channels) * width;
  auto rounded = std::max<std::int64_t>(8, static_cast<std::int64_t>(wanted + 4) / 8 * 8);
  if (static_cast<double>(rounded) < 0.9 * wanted) rounded += 8;
  return rounded;
}

class InvertedResidual : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t in_channels = 0;
    std::int64_t out_channels = 0;
    std::int64_t expansion = 1;
    std::int64_t kernel = 3;
    std::int64_t stride = 1;
    double drop_probability = 0;
  };

  explicit InvertedResidual(const Options& o)
      : has_shortcut_(o.stride == 1 && o.in_channels == o.out_channels), drop_probability_(o.drop_probability) {
    const std::int64_t hidden = o.in_channels * o.expansion;
    const auto block = std::make_shared<Chain>();
    std::size_t index = 0;
    const auto add = [&](auto module) { block->add(std::to_string(index++), std::move(module)); };
    if (o.expansion != 1) {
      add(std::make_shared<ConvNormAct>(ConvOptions{.in_channels = o.in_channels, .out_channels = hidden},
                                        Activation::kSilu));
    }
    add(std::make_shared<ConvNormAct>(
        ConvOptions{
            .in_channels = hidden, .out_channels = hidden, .kernel = o.kernel, .stride = o.stride, .groups = hidden},
        Activation::kSilu));
    add(std::make_shared<SqueezeExcite>(
        SqueezeExciteOptions{hidden, std::max<std::int64_t>(1, o.in_channels / 4), Activation::kSilu}));
    add(std::make_shared<ConvNormAct>(ConvOptions{.in_channels = hidden, .out_channels = o.out_channels},
                                      Activation::kNone));
    block_ = register_module("block", block);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = block_->forward(x);
    if (!has_shortcut_) return y;
    return x + (is_training() && drop_probability_ > 0 ? drop_samples(y, drop_probability_) : y);
  }

 private:
  bool has_shortcut_;
  double drop_probability_;
  std::shared_ptr<Chain> block_;
};

void initialise_head(GraderModel& model, int outputs) {
  const torch::NoGradGuard no_grad;
  const double bound = 1.0 / std::sqrt(static_cast<double>(outputs));
  for (auto& item : model.named_parameters()) {
    if (!item.key().starts_with(model.head_prefix())) continue;
    if (item.value().dim() == 2) {
      item.value().uniform_(-bound, bound);
    } else {
      item.value().zero_();
    }
  }
}

}  // namespace

std::shared_ptr<GraderModel> make_efficientnet(EfficientNetSize size, const ModelOptions& options) {
  const InputSpec input = size == EfficientNetSize::kB0 ? kEfficientNetB0Input : kEfficientNetB4Input;
  auto model = std::make_shared<GraderModel>(with_channels(input, options.channels));
  const Scaling scaling = scaling_of(size);
  const auto features = add_group(*model, "features");
  std::int64_t channels = scaled_channels(kStemChannels, scaling.width);
  model->add_block(
      *features, "0", "features.0",
      std::make_shared<ConvNormAct>(
          ConvOptions{.in_channels = model->input().channels, .out_channels = channels, .kernel = 3, .stride = 2},
          Activation::kSilu));
  const auto repeats = [&](const Stage& stage) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(stage.repeats) * scaling.depth));
  };
  const double largest_drop = options.dropout > 0 ? kLargestDrop : 0.0;
  std::int64_t block_count = 0;
  for (const Stage& stage : kStages) block_count += repeats(stage);
  std::int64_t block = 0;
  for (std::size_t s = 0; s < kStages.size(); ++s) {
    const Stage& stage = kStages[s];
    const std::string stage_name = std::to_string(s + 1);
    const auto group = add_group(*features, stage_name);
    const std::int64_t out_channels = scaled_channels(stage.channels, scaling.width);
    for (std::int64_t i = 0; i < repeats(stage); ++i, ++block) {
      const std::string name = std::to_string(i);
      model->add_block(
          *group, name, "features." + stage_name + "." + name,
          std::make_shared<InvertedResidual>(InvertedResidual::Options{
              .in_channels = channels,
              .out_channels = out_channels,
              .expansion = stage.expansion,
              .kernel = stage.kernel,
              .stride = i == 0 ? stage.stride : 1,
              .drop_probability = largest_drop * static_cast<double>(block) / static_cast<double>(block_count)}));
      channels = out_channels;
    }
  }
  const std::string last = std::to_string(kStages.size() + 1);
  model->add_block(*features, last, "features." + last,
                   std::make_shared<ConvNormAct>(ConvOptions{.in_channels = channels, .out_channels = 4 * channels},
                                                 Activation::kSilu));
  model->set_pool(average_pool);
  initialise_convolutions(*model);
  model->add_head({.path = "classifier.1",
                   .feature_count = 4 * channels,
                   .native_hidden = {},
                   .native_dropout = HeadPlan::NativeDropout::kBeforeLast,
                   .weight_sd = {}},
                  options);
  initialise_head(*model, options.outputs);
  return model;
}

}  // namespace genu::train
