#include "train/models/layout.h"

namespace genu::train {

void use_channels_last(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

torch::Tensor as_channels_last(const torch::Tensor& batch) {
  const torch::Tensor ordered = batch.contiguous(at::MemoryFormat::ChannelsLast);
  const std::int64_t channels = ordered.size(1);
  const std::int64_t row = ordered.size(3) * channels;
  return ordered.as_strided(ordered.sizes(), {ordered.size(2) * row, 1, row, channels});
}

}  // namespace genu::train
