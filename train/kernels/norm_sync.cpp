#include "train/kernels/norm_sync.h"

#include <cstdint>

namespace genu::train {

namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Which processes this thread's batch norm sees, as autocast keeps its type: a property of the call, not of the model.
thread_local const TensorSum* active = nullptr;

// The sum over all processes. Each one's loss depends on every part, so the gradient by one part is the sum, too.
struct SumOverProcesses : torch::autograd::Function<SumOverProcesses> {
  static Tensor forward(AutogradContext* context, const Tensor& part, std::int64_t sum_address) {
    context->saved_data["sum"] = sum_address;
    return summed(part, sum_address);
  }
  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    return {summed(gradients[0], context->saved_data["sum"].toInt()), Tensor()};
  }
  static Tensor summed(const Tensor& part, std::int64_t sum_address) {
    Tensor total = part.clone();
    (*reinterpret_cast<const TensorSum*>(sum_address))(total);
    return total;
  }
};

}  // namespace

NormSyncScope::NormSyncScope(const TensorSum* sum) { active = sum; }
NormSyncScope::~NormSyncScope() { active = nullptr; }

const TensorSum* active_norm_sync() { return active; }

Tensor synchronised_norm(torch::nn::BatchNorm2dImpl& norm, const Tensor& x, const TensorSum& sum) {
  const std::int64_t channels = x.size(1);
  // Sums in float64: the variance of a channel far from 0 keeps its digits.
  const Tensor wide = x.to(torch::kFloat64);
  const Tensor rows = torch::full({1}, static_cast<double>(x.numel() / channels), wide.options());
  const Tensor sums = SumOverProcesses::apply(torch::cat({wide.sum({0, 2, 3}), wide.square().sum({0, 2, 3}), rows}),
                                              reinterpret_cast<std::int64_t>(&sum));
  const Tensor count = sums.slice(0, 2 * channels).detach();
  const Tensor mean = sums.slice(0, 0, channels) / count;
  const Tensor variance = (sums.slice(0, channels, 2 * channels) / count - mean.square()).clamp_min(0);
  {
    const torch::NoGradGuard no_grad;
    const double momentum = norm.options.momentum().value_or(0.1);
    const Tensor unbiased = variance * (count / (count - 1).clamp_min(1));
    norm.running_mean.mul_(1.0 - momentum).add_(mean.to(torch::kFloat32), momentum);
    norm.running_var.mul_(1.0 - momentum).add_(unbiased.to(torch::kFloat32), momentum);
    norm.num_batches_tracked.add_(1);
  }
  const Tensor scale = norm.weight * (variance + norm.options.eps()).rsqrt().to(torch::kFloat32);
  const Tensor shift = norm.bias - mean.to(torch::kFloat32) * scale;
  const Tensor y = x * scale.view({1, channels, 1, 1}) + shift.view({1, channels, 1, 1});
  return y.to(x.scalar_type());
}

}  // namespace genu::train
