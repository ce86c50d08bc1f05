#include "train/kernels/norm_sync.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "train/kernels/fused_ops.h"

namespace genu::train {
namespace {

struct Outcome {
  torch::Tensor y, input_gradient, weight_gradient, bias_gradient, running_mean, running_var;
};

torch::nn::BatchNorm2d make_norm(int channels) {
  torch::nn::BatchNorm2d norm(channels);
  const torch::NoGradGuard no_grad;
  norm->weight.copy_(torch::linspace(0.5, 1.5, channels));
  norm->bias.copy_(torch::linspace(-0.3, 0.4, channels));
  return norm;
}

// The loss is sum(weights * y), so that every gradient differs.
Outcome run(const torch::Tensor& given, const torch::Tensor& weights, const TensorSum* sum, Activation activation) {
  torch::nn::BatchNorm2d norm = make_norm(static_cast<int>(given.size(1)));
  const torch::Tensor x = given.clone().requires_grad_(true);
  const NormSyncScope scope(sum);
  const torch::Tensor y = norm_act(*norm, x, activation);
  (y * weights).sum().backward();
  return {y.detach(), x.grad(), norm->weight.grad(), norm->bias.grad(), norm->running_mean, norm->running_var};
}

// Two processes with equal halves: what one sums up is twice its own. The joined batch is the half twice over.
TEST(NormSync, HalvesInTwoProcessesEqualTheWhole) {
  torch::manual_seed(1);
  const TensorSum twice = [](torch::Tensor& part) { part.mul_(2); };
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6, Activation::kSilu}) {
    const torch::Tensor half = torch::randn({3, 16, 5, 4}) * 2 + 1, weights = torch::randn({3, 16, 5, 4});
    const Outcome part = run(half, weights, &twice, activation);
    const Outcome whole = run(torch::cat({half, half}), torch::cat({weights, weights}), nullptr, activation);
    const auto first = [](const torch::Tensor& both) { return both.narrow(0, 0, 3); };
    EXPECT_TRUE(torch::allclose(part.y, first(whole.y), 1e-5, 1e-5));
    EXPECT_TRUE(torch::allclose(part.input_gradient, first(whole.input_gradient), 1e-4, 1e-5));
    EXPECT_TRUE(torch::allclose(2 * part.weight_gradient, whole.weight_gradient, 1e-4, 1e-3));
    EXPECT_TRUE(torch::allclose(2 * part.bias_gradient, whole.bias_gradient, 1e-4, 1e-3));
    EXPECT_TRUE(torch::allclose(part.running_mean, whole.running_mean, 1e-5, 1e-6));
    EXPECT_TRUE(torch::allclose(part.running_var, whole.running_var, 1e-5, 1e-6));
    // Without the other half it would be something else.
    const Outcome alone = run(half, weights, nullptr, activation);
    EXPECT_FALSE(torch::allclose(part.running_var, alone.running_var, 1e-5, 1e-6));
  }
}

// Half of the images here, the others there: the second process's sums are known beforehand.
TEST(NormSync, UnequalPartsAreWeighedBySamples) {
  torch::manual_seed(2);
  const torch::Tensor all = torch::randn({5, 8, 3, 3}) + torch::arange(5).view({5, 1, 1, 1});
  const torch::Tensor here = all.narrow(0, 0, 2), there = all.narrow(0, 2, 3);
  const torch::Tensor wide = there.to(torch::kFloat64);
  const torch::Tensor others =
      torch::cat({wide.sum({0, 2, 3}), wide.square().sum({0, 2, 3}), torch::full({1}, 27.0, torch::kFloat64)});
  const TensorSum add_others = [&](torch::Tensor& part) { part.add_(others); };
  const torch::NoGradGuard no_grad;
  torch::nn::BatchNorm2d one = make_norm(8), two = make_norm(8);
  const torch::Tensor whole = norm_act(*one, all, Activation::kNone);
  const torch::Tensor part = synchronised_norm(*two, here, add_others);
  EXPECT_TRUE(torch::allclose(part, whole.narrow(0, 0, 2), 1e-5, 1e-5));
  EXPECT_TRUE(torch::allclose(one->running_var, two->running_var, 1e-5, 1e-6));
}

}  // namespace
}  // namespace genu::train
