#include "train/loop/adam.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "train/loop/schedule.h"
#include "train/loop/weight_average.h"
#include "train/models/custom_cnn.h"
#include "train/models/layout.h"
#include "train/models/mobilenet_v2.h"

namespace genu::train {
namespace {

// Twin: LibTorch's own optimiser on the same parameters and gradients, in both memory layouts.
void expect_same_as_torch(const OptimiserConfig& config, torch::MemoryFormat layout) {
  torch::manual_seed(1);
  const std::vector<std::vector<std::int64_t>> shapes = {{4, 3, 3, 3}, {5, 1, 3, 3}, {7, 4}, {5}};
  std::vector<torch::Tensor> ours, theirs;
  ParameterGroup group{{}, 1.0, config.weight_decay};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    torch::Tensor start = torch::randn(shapes[i]);
    if (start.dim() == 4) start = start.contiguous(layout);
    ours.push_back(start.clone().requires_grad_(true));
    theirs.push_back(start.clone().requires_grad_(true));
    group.parameters.push_back({std::to_string(i), ours.back()});
  }
  Adam adam({group}, config);
  std::unique_ptr<torch::optim::Optimizer> reference;
  if (config.kind == OptimiserKind::kAdamW) {
    reference = std::make_unique<torch::optim::AdamW>(
        theirs, torch::optim::AdamWOptions(config.learning_rate).weight_decay(config.weight_decay));
  } else {
    reference = std::make_unique<torch::optim::Adam>(
        theirs, torch::optim::AdamOptions(config.learning_rate).weight_decay(config.weight_decay));
  }
  for (int step = 0; step < 7; ++step) {
    adam.zero_grad();
    reference->zero_grad();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const torch::Tensor weight = torch::randn(shapes[i]);
      (weight * ours[i] * ours[i]).sum().backward();
      (weight * theirs[i] * theirs[i]).sum().backward();
    }
    adam.step(config.learning_rate);
    reference->step();
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_TRUE(torch::allclose(ours[i], theirs[i], 1e-5, 1e-7)) << i << "\n" << ours[i] - theirs[i];
  }
}

TEST(Adam, EqualsLibTorchs) {
  for (const auto layout : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    expect_same_as_torch({.kind = OptimiserKind::kAdam, .learning_rate = 0.01}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kAdam, .learning_rate = 0.01, .weight_decay = 0.1}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kAdamW, .learning_rate = 0.01, .weight_decay = 0.1}, layout);
  }
}

TEST(Adam, ClipsTheWholeGradient) {
  torch::Tensor a = torch::zeros({2}).requires_grad_(true);
  torch::Tensor b = torch::zeros({1}).requires_grad_(true);
  Adam adam({{{{"a", a}, {"b", b}}, 1.0, 0.0}}, {.clip_norm = 0.5});
  (3.0 * a.sum() + 4.0 * b.sum()).backward();
  adam.step(0.1);
  // Norm sqrt(9 + 9 + 16) scaled to 0.5; the gradient is left scaled.
  EXPECT_NEAR(torch::cat({a.grad(), b.grad()}).norm().item<double>(), 0.5, 1e-5);
}

TEST(Adam, GroupsSplitHeadFromFeaturesAndWeightsFromNorms) {
  const auto model = make_mobilenet_v2({});
  const auto groups = parameter_groups(*model, {.head_multiplier = 3.0, .weight_decay = 0.02});
  ASSERT_EQ(groups.size(), 4U);
  EXPECT_EQ(groups[0].parameters.size(), 52U);   // convolutions
  EXPECT_EQ(groups[1].parameters.size(), 104U);  // norms
  ASSERT_EQ(groups[2].parameters.size(), 1U);
  EXPECT_EQ(groups[2].parameters[0].name, "classifier.1.weight");
  EXPECT_EQ(groups[3].parameters[0].name, "classifier.1.bias");
  EXPECT_EQ(groups[0].weight_decay, 0.02);
  EXPECT_EQ(groups[1].weight_decay, 0.0);
  EXPECT_EQ(groups[0].rate_multiplier, 1.0);
  EXPECT_EQ(groups[2].rate_multiplier, 3.0);
}

TEST(Adam, NothingToLearnIsAConfigError) { EXPECT_THROW(Adam({{{}, 1.0, 0.0}}, {}), ConfigError); }

TEST(Schedule, WarmsUpThenFollowsHalfACosine) {
  const ScheduleConfig config{.warmup_fraction = 0.2, .warmup_start = 0.1, .final_factor = 0.01};
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 0, 100), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 10, 100), 0.55);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 20, 100), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_factor(config, 60, 100), 0.505);
  EXPECT_NEAR(learning_rate_factor(config, 99, 100), 0.01, 1e-3);
  for (std::uint64_t step = 21; step < 100; ++step) {
    EXPECT_LT(learning_rate_factor(config, step, 100), learning_rate_factor(config, step - 1, 100));
  }
}

TEST(Schedule, ConstantStaysAtThePeak) {
  for (const std::uint64_t step : {0, 5, 99}) {
    EXPECT_DOUBLE_EQ(learning_rate_factor({.kind = ScheduleKind::kConstant}, step, 100), 1.0);
  }
}

TEST(WeightAverage, FollowsItsFormula) {
  StateDict live = {{"w", torch::tensor({1.0F})}, {"count", torch::tensor(0L)}};
  WeightAverage average(live, 0.9);
  double expected = 1.0;
  for (std::uint64_t step = 1; step <= 200; ++step) {
    live["w"] = torch::tensor({static_cast<float>(step)});
    live["count"] = torch::tensor(static_cast<std::int64_t>(step));
    average.update(live, step);
    const double kept = std::min(0.9, (1.0 + static_cast<double>(step)) / (10.0 + static_cast<double>(step)));
    expected = kept * expected + (1 - kept) * static_cast<double>(step);
  }
  EXPECT_NEAR(average.tensors().at("w").item<double>(), expected, 1e-3);
  EXPECT_EQ(average.tensors().at("count").item<std::int64_t>(), 200);
}

}  // namespace
}  // namespace genu::train
