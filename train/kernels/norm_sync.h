// Batch norm over the batches of several processes.
#pragma once

#include <torch/torch.h>

#include <functional>

namespace genu::train {

// Replaces a tensor by its sum over all processes. All must call it as often and in the same order.
using TensorSum = std::function<void(torch::Tensor&)>;

// While it lives, batch norm in training mode on this thread takes its statistics over all processes; nothing changes
// with a null pointer. `sum` must outlive the backward pass. Not for nesting.
class NormSyncScope {
 public:
  explicit NormSyncScope(const TensorSum* sum);
  ~NormSyncScope();
  NormSyncScope(const NormSyncScope&) = delete;
  NormSyncScope& operator=(const NormSyncScope&) = delete;
};

// Of the scope on this thread, or null.
const TensorSum* active_norm_sync();

// Batch norm of x [n, channels, h, w] in training mode with the statistics of all processes: the same numbers, up to
// rounding, as one process with the joined batch would give, gradients included (those of weight and bias are this
// process's part). Updates the running statistics.
torch::Tensor synchronised_norm(torch::nn::BatchNorm2dImpl& norm, const torch::Tensor& x, const TensorSum& sum);

}  // namespace genu::train
