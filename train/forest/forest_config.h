#pragma once

#include <string>

#include "core/config.h"

namespace genu::train {

// model.name of the forest, which is no network.
inline constexpr std::string_view kForestName = "random_forest";
inline constexpr int kForestSidePx = 128;

// With model.name: random_forest. Gini impurity, bootstrap samples.
struct ForestConfig {
  int trees = 100;
  int max_depth = 25;
  int least_samples = 1;
  int features_per_split = 0;
  void list_fields(FieldList& fields);
  bool operator==(const ForestConfig&) const = default;
};

}  // namespace genu::train
