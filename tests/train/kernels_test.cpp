#include <gtest/gtest.h>
#include <torch/torch.h>

#include "train/kernels/fused_ops.h"

namespace genu::train {
namespace {

using torch::Tensor;

Tensor reference_activation(const Tensor& y, Activation activation) {
  if (activation == Activation::kRelu) return torch::relu(y);
  if (activation == Activation::kRelu6) return torch::relu6(y);
  return y;
}

struct Results {
  Tensor y, dx, dgamma, dbeta, running_mean, running_var;
};

// Forward, backward with the gradient `dy`, and what became of the running statistics.
template <class Forward>
Results run_norm(const Tensor& start, const Tensor& dy, const Forward& forward) {
  torch::nn::BatchNorm2d norm(start.size(1));
  {
    const torch::NoGradGuard no_grad;
    norm->weight.copy_(torch::linspace(-6.0, 8.0, start.size(1)));
    norm->bias.copy_(torch::linspace(1.0, -0.5, start.size(1)));
  }
  const Tensor x = start.clone().requires_grad_(true);
  const Tensor y = forward(*norm, x);
  y.backward(dy.to(y.scalar_type()));
  return {y.detach(), x.grad(), norm->weight.grad(), norm->bias.grad(), norm->running_mean, norm->running_var};
}

double relative_error(const Tensor& value, const Tensor& expected) {
  const Tensor e = expected.to(torch::kFloat64);
  return ((value.to(torch::kFloat64) - e).norm() / (e.norm() + 1e-30)).item<double>();
}

void expect_close(const Results& ours, const Results& theirs, double tolerance) {
  EXPECT_LT(relative_error(ours.y, theirs.y), tolerance);
  EXPECT_LT(relative_error(ours.dx, theirs.dx), tolerance);
  EXPECT_LT(relative_error(ours.dgamma, theirs.dgamma), tolerance);
  EXPECT_LT(relative_error(ours.dbeta, theirs.dbeta), tolerance);
  EXPECT_LT(relative_error(ours.running_mean, theirs.running_mean), tolerance);
  EXPECT_LT(relative_error(ours.running_var, theirs.running_var), tolerance);
}

// `dy` without the elements whose pre-activation lies so near a kink of the activation that rounding decides its slope.
Tensor away_from_kinks(const Tensor& start, const Tensor& dy) {
  const Tensor x = start.to(torch::kFloat64);
  const Tensor mean = x.mean({0, 2, 3}, true);
  const Tensor sd = (x.var({0, 2, 3}, false, true) + 1e-5).sqrt();
  const Tensor gamma = torch::linspace(-6.0, 8.0, start.size(1), torch::kFloat64).view({1, -1, 1, 1});
  const Tensor beta = torch::linspace(1.0, -0.5, start.size(1), torch::kFloat64).view({1, -1, 1, 1});
  const Tensor z = (x - mean) / sd * gamma + beta;
  return torch::where((z.abs() < 0.01) | ((z - 6.0).abs() < 0.01), torch::zeros_like(dy), dy);
}

// Odd sizes, one block of rows and several, runs of 8 and of 16 channels, a mean far from 0.
TEST(FusedNorm, EqualsLibTorchsInTraining) {
  torch::manual_seed(7);
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{2, 8, 3, 5}, {3, 24, 17, 13}, {4, 16, 1, 1}}) {
    for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kRelu6}) {
      const Tensor start = (torch::randn(shape) * 2.0 + 30.0).contiguous(at::MemoryFormat::ChannelsLast);
      const Tensor dy = away_from_kinks(start, torch::randn(shape));
      const auto ours = run_norm(start, dy, [&](auto& norm, const Tensor& x) { return norm_act(norm, x, activation); });
      const auto theirs = run_norm(
          start, dy, [&](auto& norm, const Tensor& x) { return reference_activation(norm.forward(x), activation); });
      expect_close(ours, theirs, 1e-5);
    }
  }
}

// bfloat16 has 8 bits: each stored value is off by up to 1/512 of itself. The exact reference is float64 on the same
// rounded input; masks at the activation's kinks may flip for values that rounding moved, which a norm over thousands
// of elements forgives.
TEST(FusedNorm, StaysWithinBfloat16Rounding) {
  torch::manual_seed(8);
  const Tensor start = torch::randn({4, 24, 19, 11}).contiguous(at::MemoryFormat::ChannelsLast).to(torch::kBFloat16);
  const Tensor dy = torch::randn({4, 24, 19, 11}).to(torch::kBFloat16).to(torch::kFloat32);
  const auto ours =
      run_norm(start, dy, [](auto& norm, const Tensor& x) { return norm_act(norm, x, Activation::kRelu6); });
  EXPECT_EQ(ours.y.scalar_type(), torch::kBFloat16);
  const auto exact = run_norm(start.to(torch::kFloat32), dy,
                              [](auto& norm, const Tensor& x) { return torch::relu6(norm.forward(x)); });
  expect_close(ours, exact, 4e-3);
}

TEST(FusedNorm, EvaluatesWithRunningStatistics) {
  torch::nn::BatchNorm2d norm(16);
  const torch::NoGradGuard no_grad;
  norm->running_mean.copy_(torch::linspace(-1, 1, 16));
  norm->running_var.copy_(torch::linspace(0.5, 3, 16));
  norm->eval();
  const Tensor x = torch::randn({2, 16, 5, 3});
  EXPECT_TRUE(torch::allclose(norm_act(*norm, x, Activation::kRelu6), torch::relu6(norm->forward(x)), 1e-5, 1e-6));
}

TEST(FusedNorm, DoesNotDependOnTheNumberOfThreads) {
  torch::manual_seed(9);
  const Tensor start = torch::randn({4, 24, 33, 31}).contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor dy = torch::randn({4, 24, 33, 31});
  const auto run = [&](int threads) {
    torch::set_num_threads(threads);
    return run_norm(start, dy, [](auto& norm, const Tensor& x) { return norm_act(norm, x, Activation::kRelu6); });
  };
  const Results one = run(1);
  const Results three = run(3);
  torch::set_num_threads(1);
  EXPECT_TRUE(torch::equal(one.y, three.y));
  EXPECT_TRUE(torch::equal(one.dx, three.dx));
  EXPECT_TRUE(torch::equal(one.dgamma, three.dgamma));
}

struct ConvResults {
  Tensor y, dx, dweight;
};

template <class Forward>
ConvResults run_depthwise(const Tensor& start, const Tensor& weight, std::int64_t stride, const Forward& forward) {
  const std::int64_t channels = start.size(1);
  torch::nn::Conv2d conv(
      torch::nn::Conv2dOptions(channels, channels, 3).stride(stride).padding(1).groups(channels).bias(false));
  {
    const torch::NoGradGuard no_grad;
    conv->weight.copy_(weight);
  }
  const Tensor x = start.clone().requires_grad_(true);
  const Tensor y = forward(*conv, x);
  torch::manual_seed(2);
  y.backward(torch::randn(y.sizes()).to(torch::kBFloat16).to(y.scalar_type()));
  return {y.detach(), x.grad(), conv->weight.grad()};
}

TEST(DepthwiseConv, GradientsEqualLibTorchs) {
  torch::manual_seed(3);
  for (const std::int64_t stride : {1, 2}) {
    for (const auto& shape :
         std::vector<std::vector<std::int64_t>>{{2, 8, 7, 5}, {3, 24, 8, 10}, {1, 16, 1, 1}, {2, 32, 2, 9}}) {
      const Tensor start = torch::randn(shape).contiguous(at::MemoryFormat::ChannelsLast);
      const Tensor weight = torch::randn({shape[1], 1, 3, 3});
      const auto ours =
          run_depthwise(start, weight, stride, [](auto& conv, const Tensor& x) { return depthwise_conv(conv, x); });
      const auto theirs =
          run_depthwise(start, weight, stride, [](auto& conv, const Tensor& x) { return conv.forward(x); });
      EXPECT_LT(relative_error(ours.y, theirs.y), 1e-6);
      EXPECT_LT(relative_error(ours.dx, theirs.dx), 1e-6);
      EXPECT_LT(relative_error(ours.dweight, theirs.dweight), 1e-6);
    }
  }
}

TEST(DepthwiseConv, StaysWithinBfloat16Rounding) {
  torch::manual_seed(4);
  for (const std::int64_t stride : {1, 2}) {
    const Tensor start = torch::randn({2, 24, 9, 12}).to(torch::kBFloat16);
    const Tensor weight = torch::randn({24, 1, 3, 3}).to(torch::kBFloat16).to(torch::kFloat32);
    const auto ours =
        run_depthwise(start, weight, stride, [](auto& conv, const Tensor& x) { return depthwise_conv(conv, x); });
    const auto exact = run_depthwise(start.to(torch::kFloat32), weight, stride,
                                     [](auto& conv, const Tensor& x) { return conv.forward(x); });
    EXPECT_EQ(ours.dx.scalar_type(), torch::kBFloat16);
    EXPECT_EQ(ours.dweight.scalar_type(), torch::kFloat32);
    EXPECT_LT(relative_error(ours.dx, exact.dx), 4e-3);
    EXPECT_LT(relative_error(ours.dweight, exact.dweight), 1e-5);  // products and sums are float
  }
}

}  // namespace
}  // namespace genu::train
