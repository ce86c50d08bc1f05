#include "train/models/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>

#include "core/errors.h"
#include "train/models/custom_cnn.h"
#include "train/models/mobilenet_v2.h"

namespace genu::train {

namespace {

using Factory = std::function<std::shared_ptr<GraderModel>(int class_count, double dropout)>;

const std::map<std::string, Factory>& factories() {
  static const std::map<std::string, Factory> all = {
      {"custom_cnn", [](int class_count,
                        double dropout) { return make_custom_cnn({.class_count = class_count, .dropout = dropout}); }},
      {"mobilenet_v2",
       [](int class_count, double dropout) {
         return make_mobilenet_v2({.class_count = class_count, .dropout = dropout});
       }},
  };
  return all;
}

}  // namespace

void ModelConfig::list_fields(FieldList& fields) {
  fields.add("name", name, fmt::format("network: {}", fmt::join(model_names(), ", ")));
  fields.add("dropout", dropout, Range{0.0, 0.95}, "share of inputs of the last layer set to zero in training");
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : factories()) names.push_back(name);
  return names;
}

std::shared_ptr<GraderModel> make_model(const ModelConfig& config, int class_count) {
  const auto found = factories().find(config.name);
  if (found == factories().end()) {
    throw ConfigError(
        fmt::format("model.name: no network '{}'; there are {}", config.name, fmt::join(model_names(), ", ")));
  }
  return found->second(class_count, config.dropout);
}

int input_side_px(const ModelConfig& config, int wanted_px) {
  const InputSpec spec = make_model(config)->input();
  if (wanted_px == 0 || wanted_px == spec.size_px) return spec.size_px;
  if (spec.sides == InputSpec::Sides::kFixed) {
    throw ConfigError(
        fmt::format("data.size_px: {} takes images of {} px only, not {}", config.name, spec.size_px, wanted_px));
  }
  return wanted_px;
}

}  // namespace genu::train
