#include "train/loop/optimiser.h"

#include <gtest/gtest.h>

#include <map>
#include <span>

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
  Optimiser adam({group}, config);
  std::unique_ptr<torch::optim::Optimizer> reference;
  if (config.kind == OptimiserKind::kAdamW) {
    reference = std::make_unique<torch::optim::AdamW>(
        theirs, torch::optim::AdamWOptions(config.learning_rate).weight_decay(config.weight_decay));
  } else if (config.kind == OptimiserKind::kSgd) {
    reference = std::make_unique<torch::optim::SGD>(theirs, torch::optim::SGDOptions(config.learning_rate)
                                                                .momentum(config.momentum)
                                                                .nesterov(config.nesterov)
                                                                .weight_decay(config.weight_decay));
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

TEST(Optimiser, EqualsLibTorchs) {
  for (const auto layout : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
    expect_same_as_torch({.kind = OptimiserKind::kAdam, .learning_rate = 0.01}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kAdam, .learning_rate = 0.01, .weight_decay = 0.1}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kAdamW, .learning_rate = 0.01, .weight_decay = 0.1}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kSgd, .learning_rate = 0.01, .momentum = 0.0}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kSgd, .learning_rate = 0.01, .weight_decay = 0.1}, layout);
    expect_same_as_torch({.kind = OptimiserKind::kSgd, .learning_rate = 0.01, .nesterov = true}, layout);
  }
}

TEST(Optimiser, ClipsTheWholeGradient) {
  torch::Tensor a = torch::zeros({2}).requires_grad_(true);
  torch::Tensor b = torch::zeros({1}).requires_grad_(true);
  Optimiser adam({{{{"a", a}, {"b", b}}, 1.0, 0.0}}, {.clip_norm = 0.5});
  (3.0 * a.sum() + 4.0 * b.sum()).backward();
  adam.step(0.1);
  // Norm sqrt(9 + 9 + 16) scaled to 0.5; the gradient is left scaled.
  EXPECT_NEAR(torch::cat({a.grad(), b.grad()}).norm().item<double>(), 0.5, 1e-5);
}

TEST(Optimiser, GroupsSplitHeadFromFeaturesAndWeightsFromNorms) {
  const auto model = make_mobilenet_v2({});
  const auto groups = parameter_groups(*model, {.head_multiplier = 3.0, .weight_decay = 0.02});
  ASSERT_EQ(groups.size(), 4U);
  EXPECT_EQ(groups[0].parameters.size(), 104U);  // norms
  EXPECT_EQ(groups[1].parameters.size(), 52U);   // convolutions
  ASSERT_EQ(groups[3].parameters.size(), 1U);
  EXPECT_EQ(groups[2].parameters[0].name, "classifier.1.bias");
  EXPECT_EQ(groups[3].parameters[0].name, "classifier.1.weight");
  EXPECT_EQ(groups[0].weight_decay, 0.0);
  EXPECT_EQ(groups[1].weight_decay, 0.02);
  EXPECT_EQ(groups[0].rate_multiplier, 1.0);
  EXPECT_EQ(groups[2].rate_multiplier, 3.0);
}

TEST(Optimiser, TheLongestPrefixSetsTheRate) {
  const auto model = make_mobilenet_v2({});
  const auto groups = parameter_groups(
      *model, {.head_multiplier = 3.0, .groups = {{"features", 0.5}, {"features.18", 0.25}, {"classifier.1.bias", 7}}});
  std::map<std::string, double> rates;
  for (const ParameterGroup& group : groups) {
    for (const NamedParameter& parameter : group.parameters) rates[parameter.name] = group.rate_multiplier;
  }
  EXPECT_EQ(rates.at("features.1.conv.1.weight"), 0.5);
  EXPECT_EQ(rates.at("features.18.0.weight"), 0.25);
  EXPECT_EQ(rates.at("classifier.1.weight"), 3.0);
  EXPECT_EQ(rates.at("classifier.1.bias"), 7.0);
  EXPECT_THROW(parameter_groups(*model, {.groups = {{"feature", 0.5}}}), ConfigError);
}

// A parameter that joins late is stepped as if it were its own first step.
TEST(Optimiser, CountsTheStepsOfEachParameter) {
  torch::Tensor early = torch::zeros({1}).requires_grad_(true);
  torch::Tensor late = torch::zeros({1}).requires_grad_(true);
  Optimiser adam({{{{"early", early}, {"late", late}}, 1.0, 0.0}}, {.kind = OptimiserKind::kAdam});
  for (int step = 0; step < 5; ++step) {
    adam.zero_grad();
    early.sum().backward();
    adam.step(0.1);
  }
  EXPECT_EQ(late.item<float>(), 0.0F);
  adam.zero_grad();
  (2.0 * late.sum()).backward();
  adam.step(0.1);
  EXPECT_NEAR(late.item<float>(), -0.1F, 1e-6);  // Adam's first step is the rate, whatever the gradient
  EXPECT_EQ(adam.state().at("optimiser.steps.late").item<float>(), 1.0F);
  EXPECT_EQ(adam.state().at("optimiser.steps.early").item<float>(), 5.0F);
}

TEST(Optimiser, ScalesGradientsOnRequest) {
  torch::Tensor w = torch::zeros({1}).requires_grad_(true);
  Optimiser sgd({{{{"w", w}}, 1.0, 0.0}}, {.kind = OptimiserKind::kSgd, .momentum = 0.0});
  (6.0 * w.sum()).backward();
  sgd.step(1.0, 0.5);
  EXPECT_EQ(w.item<float>(), -3.0F);
}

TEST(Optimiser, NothingToLearnIsAConfigError) { EXPECT_THROW(Optimiser({{{}, 1.0, 0.0}}, {}), ConfigError); }

double factor(const ScheduleConfig& config, std::uint64_t step, std::uint64_t total = 100,
              std::span<const double> scores = {}) {
  return learning_rate_factor(config, {.step = step, .total_steps = total, .steps_per_epoch = 10}, scores);
}

TEST(Schedule, WarmsUpThenFollowsHalfACosine) {
  const ScheduleConfig config{.warmup_fraction = 0.2, .warmup_start = 0.1, .final_factor = 0.01};
  EXPECT_DOUBLE_EQ(factor(config, 0), 0.1);
  EXPECT_DOUBLE_EQ(factor(config, 10), 0.55);
  EXPECT_DOUBLE_EQ(factor(config, 20), 1.0);
  EXPECT_DOUBLE_EQ(factor(config, 60), 0.505);
  EXPECT_NEAR(factor(config, 99), 0.01, 1e-3);
  for (std::uint64_t step = 21; step < 100; ++step) EXPECT_LT(factor(config, step), factor(config, step - 1));
}

TEST(Schedule, ConstantStaysAtThePeak) {
  for (const std::uint64_t step : {0, 5, 99}) {
    EXPECT_DOUBLE_EQ(factor({.kind = ScheduleKind::kConstant}, step), 1.0);
  }
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=20, pct_start=0.3, div_factor=25, final_div_factor=1e4)
// gave these rates (PyTorch 1.13) at steps 0, 1, 3, 5, 6, 10, 15, 19.
TEST(Schedule, OneCycleIsPyTorchs) {
  const ScheduleConfig config{
      .kind = ScheduleKind::kOneCycle, .warmup_fraction = 0.3, .warmup_start = 1.0 / 25, .final_factor = 1.0 / 250000};
  const std::vector<std::pair<std::uint64_t, double>> expected = {
      {0, 0.04},         {1, 0.1316718427},  {3, 0.6683281573},  {5, 1},
      {6, 0.9874640062}, {10, 0.7169430018}, {15, 0.1882583461}, {19, 4e-06}};
  for (const auto& [step, rate] : expected) EXPECT_NEAR(factor(config, step, 20), rate, 1e-9) << step;
}

TEST(Schedule, FallsByStepsOfEpochs) {
  const ScheduleConfig config{.kind = ScheduleKind::kStep, .every_epochs = 3, .decay = 0.5};
  EXPECT_DOUBLE_EQ(factor(config, 29), 1.0);
  EXPECT_DOUBLE_EQ(factor(config, 30), 0.5);
  EXPECT_DOUBLE_EQ(factor(config, 95), 0.125);
}

TEST(Schedule, FallsOnAPlateau) {
  const ScheduleConfig config{.kind = ScheduleKind::kPlateau, .decay = 0.1, .patience = 2};
  const auto after = [&](const std::vector<double>& scores) { return factor(config, 50, 100, scores); };
  EXPECT_DOUBLE_EQ(after({}), 1.0);
  EXPECT_DOUBLE_EQ(after({0.5, 0.6, 0.6}), 1.0);
  EXPECT_DOUBLE_EQ(after({0.5, 0.6, 0.6, 0.55}), 0.1);
  EXPECT_DOUBLE_EQ(after({0.5, 0.6, 0.6, 0.55, 0.7}), 0.1);
  EXPECT_NEAR(after({0.5, 0.4, 0.3, 0.2, 0.1}), 0.01, 1e-12);
}

TEST(Schedule, CountsEpochsSinceTheBest) {
  EXPECT_EQ(epochs_since_best({}), 0U);
  EXPECT_EQ(epochs_since_best(std::vector<double>{0.5}), 0U);
  EXPECT_EQ(epochs_since_best(std::vector<double>{0.5, 0.5, 0.4}), 2U);
  EXPECT_EQ(epochs_since_best(std::vector<double>{0.5, 0.6}), 0U);
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
