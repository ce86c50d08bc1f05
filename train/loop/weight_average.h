// Running mean of a model's weights (Polyak averaging with exponential forgetting).
#pragma once

#include "train/weights/state_dict.h"

namespace genu::train {

class WeightAverage {
 public:
  // Starts as a copy of `live`. Requires 0 < decay < 1.
  WeightAverage(const StateDict& live, double decay);

  // average = d * average + (1 - d) * live for floating tensors, a copy for counters. Early on, d is
  // min(decay, (1 + steps) / (10 + steps)) so that the start is forgotten soon. `steps` counts from 1.
  void update(const StateDict& live, std::uint64_t steps);
  const StateDict& tensors() const { return average_; }

 private:
  StateDict average_;
  double decay_;
};

}  // namespace genu::train
