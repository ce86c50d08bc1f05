#include "train/models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>

#include "core/errors.h"
#include "train/forest/forest_config.h"
#include "train/models/compact_resnet.h"
#include "train/models/custom_cnn.h"
#include "train/models/densenet.h"
#include "train/models/efficientnet.h"
#include "train/models/mobilenet_v1.h"
#include "train/models/mobilenet_v2.h"
#include "train/models/resnet.h"
#include "train/models/vgg.h"
#include "train/models/vision_transformer.h"
#include "train/models/xception.h"

namespace genu::train {

namespace {

struct Entry {
  InputSpec input;
  std::function<std::shared_ptr<GraderModel>(const ModelOptions&)> make;
};

// make_resnet and ResNetDepth::k18 -> a function of the options alone.
template <class Variant>
auto of(std::shared_ptr<GraderModel> (*make)(Variant, const ModelOptions&), Variant variant) {
  return [make, variant](const ModelOptions& options) { return make(variant, options); };
}

const std::map<std::string, Entry>& entries() {
  static const std::map<std::string, Entry> all = {
      {"compact_resnet", {kCompactResNetInput, make_compact_resnet}},
      {"custom_cnn", {kCustomCnnInput, make_custom_cnn}},
      {"densenet_121", {kDenseNetInput, of(make_densenet, DenseNetDepth::k121)}},
      {"densenet_169", {kDenseNetInput, of(make_densenet, DenseNetDepth::k169)}},
      {"efficientnet_b0", {kEfficientNetB0Input, of(make_efficientnet, EfficientNetSize::kB0)}},
      {"efficientnet_b4", {kEfficientNetB4Input, of(make_efficientnet, EfficientNetSize::kB4)}},
      {"mobilenet_v1", {kMobileNetV1Input, make_mobilenet_v1}},
      {"mobilenet_v2", {kMobileNetV2Input, make_mobilenet_v2}},
      {"resnet_18", {kResNetInput, of(make_resnet, ResNetDepth::k18)}},
      {"resnet_34", {kResNetInput, of(make_resnet, ResNetDepth::k34)}},
      {"resnet_50", {kResNetInput, of(make_resnet, ResNetDepth::k50)}},
      {"vgg_16", {kVggInput, of(make_vgg, VggDepth::k16)}},
      {"vgg_19", {kVggInput, of(make_vgg, VggDepth::k19)}},
      {"vit_b_16", {kVitB16Input, make_vit_b16}},
      {"xception", {kXceptionInput, make_xception}},
  };
  return all;
}

const Entry& entry(const std::string& name) {
  const auto found = entries().find(name);
  if (found == entries().end()) {
    throw ConfigError(fmt::format("model.name: no network '{}'; there are {} and {}", name,
                                  fmt::join(model_names(), ", "), kForestName));
  }
  return found->second;
}

HeadKind head_kind(HeadChoice choice) {
  switch (choice) {
    case HeadChoice::kLinear:
      return HeadKind::kLinear;
    case HeadChoice::kDropoutLinear:
    case HeadChoice::kOrdinal:
      return HeadKind::kDropoutLinear;
    case HeadChoice::kHidden512:
      return HeadKind::kHidden;
    case HeadChoice::kNative:
      break;
  }
  return HeadKind::kNative;
}

}  // namespace

void ModelConfig::list_fields(FieldList& fields) {
  fields.add("name", name, fmt::format("network: {}; or {}", fmt::join(model_names(), ", "), kForestName));
  fields.add("dropout", dropout, Range{0.0, 0.95}, "share of the head's inputs set to zero in training");
  fields.choice("head", head,
                {{"native", HeadChoice::kNative},
                 {"linear", HeadChoice::kLinear},
                 {"dropout_linear", HeadChoice::kDropoutLinear},
                 {"hidden_512", HeadChoice::kHidden512},
                 {"ordinal", HeadChoice::kOrdinal}},
                "native = as published; linear; dropout, linear; 512, ReLU, dropout, linear; ordinal = dropout and one "
                "output a step between grades, for the losses corn and cumulative");
  fields.add("channels", channels, Range{0, 3},
             "of the image the network takes: 1 grey, 3 equal ones, 0 = the network's own");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& [name, made] : entries()) names.push_back(name);
  return names;
}

std::shared_ptr<GraderModel> make_model(const ModelConfig& config, int class_count) {
  if (config.channels == 2) throw ConfigError("model.channels: 2 is none of 0, 1, 3");
  return entry(config.name)
      .make({.outputs = config.head == HeadChoice::kOrdinal ? class_count - 1 : class_count,
             .head = head_kind(config.head),
             .dropout = config.dropout,
             .channels = config.channels});
}

InputSpec input_spec(const ModelConfig& config) { return with_channels(entry(config.name).input, config.channels); }

bool is_forest(const ModelConfig& config) { return config.name == kForestName; }

int input_side_px(const ModelConfig& config, int wanted_px) {
  if (is_forest(config)) return wanted_px > 0 ? wanted_px : kForestSidePx;
  const InputSpec spec = input_spec(config);
  if (wanted_px == 0 || wanted_px == spec.size_px) return spec.size_px;
  if (spec.sides == InputSpec::Sides::kFixed) {
    throw ConfigError(
        fmt::format("data.size_px: {} takes images of {} px only, not {}", config.name, spec.size_px, wanted_px));
  }
  return wanted_px;
}

}  // namespace genu::train
