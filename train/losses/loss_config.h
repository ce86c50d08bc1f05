#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "core/config.h"

namespace genu::train {

enum class LossKind : std::uint8_t { kCrossEntropy, kFocal, kOrdinalDistance, kSoftOrdinal, kCorn, kCumulative };

// How a network's outputs become probabilities of the grades.
enum class Decoding : std::uint8_t {
  kSoftmax,     // one output a grade
  kCorn,        // one output a step: logit of "above grade k, given above grade k - 1"
  kCumulative,  // one output a step: logit of "above grade k"
};

// The word of each in a config.
std::vector<std::pair<std::string, Decoding>> decoding_words();

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

// What the outputs of a network trained with this loss mean.
Decoding decoding_of(LossKind kind);

}  // namespace genu::train
