#include "train/metrics/prediction.h"

#include <algorithm>

namespace genu::train {

int Prediction::predicted() const {
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

}  // namespace genu::train
