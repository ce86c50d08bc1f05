#include "train/models/grader_model.h"

#include <string_view>

#include "core/errors.h"
#include "train/models/layout.h"

namespace genu::train {

namespace {

constexpr std::int64_t kHiddenWidth = 512;

void initialise_linear(torch::nn::LinearImpl& layer, const std::optional<double>& weight_sd) {
  if (!weight_sd) return;
  torch::nn::init::normal_(layer.weight, 0, *weight_sd);
  torch::nn::init::zeros_(layer.bias);
}

}  // namespace

torch::Tensor GraderModel::forward(const torch::Tensor& pixels) {
  return classify(pool(run_blocks(prepare(pixels), 0, blocks_.size())));
}

torch::Tensor GraderModel::prepare(const torch::Tensor& pixels) const {
  const bool repeat = pixels.size(1) == 1 && input_.channels > 1;
  return as_channels_last(repeat ? pixels.expand({-1, input_.channels, -1, -1}) : pixels);
}

torch::Tensor GraderModel::run_blocks(torch::Tensor x, std::size_t first, std::size_t end) const {
  for (std::size_t i = first; i < end; ++i) x = blocks_.at(i).forward(x);
  return x;
}

torch::Tensor GraderModel::classify(torch::Tensor features) {
  for (std::size_t i = 0; i + 1 < head_.size(); ++i) {
    features = torch::dropout(torch::relu(head_[i](features)), dropout_, is_training());
  }
  if (head_.size() == 1 && dropout_ > 0) features = torch::dropout(features, dropout_, is_training());
  return head_.back()(features);
}

void GraderModel::add_head(const HeadPlan& plan, const ModelOptions& options) {
  std::vector<std::int64_t> widths;
  if (options.head == HeadKind::kNative) widths = plan.native_hidden;
  if (options.head == HeadKind::kHidden) widths = {kHiddenWidth};
  const bool plain = options.head == HeadKind::kLinear || (options.head == HeadKind::kNative && widths.empty() &&
                                                           plan.native_dropout == HeadPlan::NativeDropout::kNone);
  dropout_ = plain ? 0.0 : options.dropout;
  const std::string first = plan.path.substr(0, plan.path.find('.'));
  head_prefix_ = first + ".";
  widths.push_back(options.outputs);
  std::int64_t inputs = plan.feature_count;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    // Linear, ReLU and dropout take three places of torchvision's sequence.
    const std::string path = widths.size() == 1 ? plan.path : first + "." + std::to_string(3 * i);
    const std::size_t dot = path.rfind('.');
    torch::nn::Linear layer(inputs, widths[i]);
    initialise_linear(*layer, plan.weight_sd);
    if (dot == std::string::npos) {
      register_module(path, layer);
    } else {
      add_group(*this, path.substr(0, dot))->register_module(path.substr(dot + 1), layer);
    }
    head_.push_back(layer);
    inputs = widths[i];
  }
}

std::shared_ptr<torch::nn::Module> add_group(torch::nn::Module& parent, const std::string& name) {
  const std::size_t dot = name.find('.');
  const std::string first = name.substr(0, dot);
  const auto children = parent.named_children();
  const auto* found = children.find(first);
  const auto group =
      found != nullptr ? *found : parent.register_module(first, std::make_shared<torch::nn::Module>("Sequential"));
  return dot == std::string::npos ? group : add_group(*group, name.substr(dot + 1));
}

torch::Tensor average_pool(const torch::Tensor& maps) { return maps.mean({2, 3}); }

void initialise_convolutions(torch::nn::Module& module) {
  for (const auto& child : module.modules(false)) {
    if (const auto conv = std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(child)) {
      torch::nn::init::kaiming_normal_(conv->weight, 0, torch::kFanOut);
      if (conv->bias.defined()) torch::nn::init::zeros_(conv->bias);
    }
  }
}

}  // namespace genu::train
