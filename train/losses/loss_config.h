#pragma once

#include <cstdint>
#include <vector>

#include "core/config.h"

namespace genu::train {

enum class LossKind : std::uint8_t { kCrossEntropy, kFocal, kOrdinalDistance, kSoftOrdinal };

struct LossConfig {
  LossKind kind = LossKind::kCrossEntropy;
  double gamma = 2.0;
  std::vector<double> class_weights = {};
  double label_smoothing = 0.0;
  double distance_weight = 2.0;
  double sharpness = 2.0;
  void list_fields(FieldList& fields);
  bool operator==(const LossConfig&) const = default;
};

}  // namespace genu::train
