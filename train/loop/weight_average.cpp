#include "train/loop/weight_average.h"

#include <algorithm>

namespace genu::train {

WeightAverage::WeightAverage(const StateDict& live, double decay) : decay_(decay) {
  for (const auto& [name, tensor] : live) average_[name] = tensor.detach().clone();
}

void WeightAverage::update(const StateDict& live, std::uint64_t steps) {
  const torch::NoGradGuard no_grad;
  const double count = static_cast<double>(steps);
  const double kept = std::min(decay_, (1.0 + count) / (10.0 + count));
  for (auto& [name, average] : average_) {
    const torch::Tensor& now = live.at(name);
    if (average.is_floating_point()) {
      average.lerp_(now, 1.0 - kept);
    } else {
      average.copy_(now);
    }
  }
}

}  // namespace genu::train
