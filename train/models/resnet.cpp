#include "train/models/resnet.h"

#include <array>

#include "train/models/blocks.h"

namespace genu::train {

namespace {

struct Plan {
  std::array<std::int64_t, 4> repeats;
  enum class Kind : std::uint8_t { kBasic, kBottleneck } kind;
};

Plan plan_of(ResNetDepth depth) {
  switch (depth) {
    case ResNetDepth::k18:
      return {{2, 2, 2, 2}, Plan::Kind::kBasic};
    case ResNetDepth::k34:
      return {{3, 4, 6, 3}, Plan::Kind::kBasic};
    case ResNetDepth::k50:
      break;
  }
  return {{3, 4, 6, 3}, Plan::Kind::kBottleneck};
}

// Two 3 x 3 convolutions, or 1 x 1, 3 x 3 and 1 x 1 to four times the width.
class Residual : public torch::nn::Module {
 public:
  struct Options {
    std::int64_t in_channels = 0;
    std::int64_t width = 0;
    std::int64_t stride = 1;
    Plan::Kind kind = Plan::Kind::kBasic;
  };
  static std::int64_t out_channels(const Options& o) {
    return o.kind == Plan::Kind::kBottleneck ? 4 * o.width : o.width;
  }

  explicit Residual(const Options& o) {
    const std::int64_t out = out_channels(o);
    const auto add = [&](const std::string& index, const ConvOptions& options) {
      layers_.emplace_back(*this, "conv" + index, "bn" + index, options);
    };
    if (o.kind == Plan::Kind::kBottleneck) {
      add("1", {.in_channels = o.in_channels, .out_channels = o.width});
      add("2", {.in_channels = o.width, .out_channels = o.width, .kernel = 3, .stride = o.stride});
      add("3", {.in_channels = o.width, .out_channels = out});
    } else {
      add("1", {.in_channels = o.in_channels, .out_channels = o.width, .kernel = 3, .stride = o.stride});
      add("2", {.in_channels = o.width, .out_channels = o.width, .kernel = 3});
    }
    if (o.stride != 1 || o.in_channels != out) {
      shortcut_ = register_module(
          "downsample",
          std::make_shared<ConvNormAct>(
              ConvOptions{.in_channels = o.in_channels, .out_channels = out, .kernel = 1, .stride = o.stride},
              Activation::kNone));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor y = x;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      y = layers_[i](y, i + 1 < layers_.size() ? Activation::kRelu : Activation::kNone);
    }
    return (y + (shortcut_ ? shortcut_->forward(x) : x)).relu_();
  }

 private:
  std::vector<ConvNorm> layers_;
  std::shared_ptr<ConvNormAct> shortcut_;
};

constexpr std::array<std::int64_t, 4> kWidths = {64, 128, 256, 512};

}  // namespace

std::shared_ptr<GraderModel> make_resnet(ResNetDepth depth, const ModelOptions& options) {
  auto model = std::make_shared<GraderModel>(with_channels(kResNetInput, options.channels));
  const ConvNorm stem(*model, "conv1", "bn1",
                      {.in_channels = model->input().channels, .out_channels = kWidths[0], .kernel = 7, .stride = 2});
  model->add_block({"conv1", stem.modules(),
                    [stem](const torch::Tensor& x) { return torch::max_pool2d(stem(x, Activation::kRelu), 3, 2, 1); }});
  const Plan plan = plan_of(depth);
  std::int64_t channels = kWidths[0];
  for (std::size_t stage = 0; stage < kWidths.size(); ++stage) {
    const std::string stage_name = "layer" + std::to_string(stage + 1);
    const auto group = add_group(*model, stage_name);
    for (std::int64_t i = 0; i < plan.repeats[stage]; ++i) {
      const Residual::Options residual{
          .in_channels = channels, .width = kWidths[stage], .stride = i == 0 && stage > 0 ? 2 : 1, .kind = plan.kind};
      const std::string name = std::to_string(i);
      model->add_block(*group, name, stage_name + "." + name, std::make_shared<Residual>(residual));
      channels = Residual::out_channels(residual);
    }
  }
  model->set_pool(average_pool);
  initialise_convolutions(*model);
  model->add_head({.path = "fc", .feature_count = channels, .native_hidden = {}, .weight_sd = {}}, options);
  return model;
}

}  // namespace genu::train
