#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <cmath>

#include "core/errors.h"
#include "train/losses/loss.h"
#include "train/losses/ordinal.h"

namespace genu::train {
namespace {

const torch::Tensor kNoWeights;

torch::Tensor example_logits() {
  torch::manual_seed(3);
  return torch::randn({6, 5}, torch::kFloat64) * 2.0;
}
torch::Tensor example_labels() { return torch::tensor({0L, 1L, 2L, 3L, 4L, 2L}); }
torch::Tensor example_weights() { return torch::tensor({0.5, 1.0, 2.0, 0.25, 3.0}, torch::kFloat64); }

using DoubleLoss = std::function<torch::Tensor(const torch::Tensor&)>;

// Largest difference between autograd and central differences, over the first `outputs` columns of the example.
double gradient_error(const DoubleLoss& loss, std::int64_t outputs = 5) {
  constexpr double kStep = 1e-5;
  torch::Tensor logits = example_logits().narrow(1, 0, outputs).clone().requires_grad_(true);
  loss(logits).backward();
  double worst = 0;
  for (std::int64_t i = 0; i < logits.size(0); ++i) {
    for (std::int64_t k = 0; k < logits.size(1); ++k) {
      const auto moved = [&](double by) {
        torch::Tensor copy = logits.detach().clone();
        copy[i][k] += by;
        return loss(copy).item<double>();
      };
      const double numeric = (moved(kStep) - moved(-kStep)) / (2 * kStep);
      worst = std::max(worst, std::abs(numeric - logits.grad()[i][k].item<double>()));
    }
  }
  return worst;
}

TEST(Losses, GradientsEqualCentralDifferences) {
  const torch::Tensor labels = example_labels();
  for (const double smoothing : {0.0, 0.1}) {
    for (const torch::Tensor& weights : {torch::Tensor(), example_weights()}) {
      EXPECT_LT(
          gradient_error([&](const torch::Tensor& z) { return smoothed_cross_entropy(z, labels, weights, smoothing); }),
          1e-8);
      for (const double gamma : {0.0, 0.5, 1.0, 2.0, 5.0}) {
        EXPECT_LT(
            gradient_error([&](const torch::Tensor& z) { return focal_loss(z, labels, weights, gamma, smoothing); }),
            1e-8)
            << gamma;
      }
    }
  }
}

TEST(Losses, CrossEntropyMatchesItsDefinition) {
  const torch::Tensor logits = torch::tensor({{1.0, 2.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64);
  const torch::Tensor labels = torch::tensor({1L, 2L});
  const double first = -std::log(std::exp(2.0) / (std::exp(1.0) + std::exp(2.0) + 1.0));
  const double second = std::log(3.0);
  EXPECT_NEAR(smoothed_cross_entropy(logits, labels, kNoWeights, 0).item<double>(), 0.5 * (first + second), 1e-12);
  const torch::Tensor weights = torch::tensor({1.0, 3.0, 0.5}, torch::kFloat64);
  EXPECT_NEAR(smoothed_cross_entropy(logits, labels, weights, 0).item<double>(), (3.0 * first + 0.5 * second) / 3.5,
              1e-12);
}

// Lin et al., equation 5, one sample by hand.
TEST(Losses, FocalMatchesItsDefinition) {
  const double p = std::exp(2.0) / (std::exp(1.0) + std::exp(2.0) + 1.0);
  const torch::Tensor logits = torch::tensor({{1.0, 2.0, 0.0}}, torch::kFloat64);
  const torch::Tensor alpha = torch::tensor({1.0, 0.25, 1.0}, torch::kFloat64);
  EXPECT_NEAR(focal_loss(logits, torch::tensor({1L}), alpha, 2.0, 0).item<double>(),
              -0.25 * (1 - p) * (1 - p) * std::log(p), 1e-12);
}

TEST(Losses, FocalWithoutFocusIsCrossEntropy) {
  const torch::Tensor logits = example_logits();
  for (const double smoothing : {0.0, 0.2}) {
    EXPECT_NEAR(focal_loss(logits, example_labels(), kNoWeights, 0.0, smoothing).item<double>(),
                smoothed_cross_entropy(logits, example_labels(), kNoWeights, smoothing).item<double>(), 1e-12);
  }
}

TEST(Losses, AreFiniteForCertainPredictions) {
  for (const double gamma : {0.0, 0.5, 2.0}) {
    for (const float scale : {100.0F, -100.0F}) {
      torch::Tensor logits = (torch::eye(5) * scale).requires_grad_(true);
      const torch::Tensor loss = focal_loss(logits, torch::arange(5), kNoWeights, gamma, 0.0);
      loss.backward();
      EXPECT_TRUE(std::isfinite(loss.item<double>()));
      EXPECT_TRUE(torch::isfinite(logits.grad()).all().item<bool>()) << gamma;
    }
  }
}

TEST(Losses, SoftTargetsAreCrossEntropyOfADistribution) {
  const torch::Tensor targets = torch::softmax(example_logits().flip(0), 1);
  EXPECT_LT(gradient_error([&](const torch::Tensor& z) { return soft_target_cross_entropy(z, targets); }), 1e-8);
  const torch::Tensor logits = torch::tensor({{1.0, 2.0, 0.0}}, torch::kFloat64);
  const double log_sum = std::log(std::exp(1.0) + std::exp(2.0) + 1.0);
  EXPECT_NEAR(soft_target_cross_entropy(logits, torch::tensor({{0.5, 0.2, 0.3}}, torch::kFloat64)).item<double>(),
              log_sum - 0.5 * 1.0 - 0.2 * 2.0, 1e-12);
  const torch::Tensor one_hot = torch::one_hot(example_labels(), 5).to(torch::kFloat64);
  EXPECT_NEAR(soft_target_cross_entropy(example_logits(), one_hot).item<double>(),
              smoothed_cross_entropy(example_logits(), example_labels(), kNoWeights, 0).item<double>(), 1e-12);
}

TEST(Losses, ConfigMakesTheChosenOne) {
  const torch::Tensor logits = example_logits().to(torch::kFloat32);
  const torch::Tensor labels = example_labels();
  const Loss focal = make_loss({.kind = LossKind::kFocal, .gamma = 1.5}, 5);
  EXPECT_FLOAT_EQ(focal(logits, labels).item<float>(), focal_loss(logits, labels, kNoWeights, 1.5, 0).item<float>());
  const Loss weighted = make_loss({.class_weights = {1, 2, 3, 4, 5}}, 5);
  EXPECT_FLOAT_EQ(weighted(logits, labels).item<float>(),
                  smoothed_cross_entropy(logits, labels, torch::tensor({1.F, 2.F, 3.F, 4.F, 5.F}), 0).item<float>());
  EXPECT_THROW(make_loss({.class_weights = {1, 2}}, 5), ConfigError);
}

TEST(OrdinalLosses, GradientsEqualCentralDifferences) {
  const torch::Tensor labels = example_labels();
  for (const torch::Tensor& weights : {torch::Tensor(), example_weights()}) {
    for (const double factor : {0.5, 2.0}) {
      EXPECT_LT(
          gradient_error([&](const torch::Tensor& z) { return ordinal_distance_loss(z, labels, weights, factor); }),
          1e-8);
      EXPECT_LT(gradient_error([&](const torch::Tensor& z) { return soft_ordinal_loss(z, labels, weights, factor); }),
                1e-8);
    }
    EXPECT_LT(gradient_error([&](const torch::Tensor& z) { return corn_loss(z, labels, weights); }, 4), 1e-8);
    EXPECT_LT(gradient_error([&](const torch::Tensor& z) { return cumulative_loss(z, labels, weights); }, 4), 1e-8);
  }
}

double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// One sample each, by hand, from the papers' definitions.
TEST(OrdinalLosses, MatchTheirDefinitions) {
  const torch::Tensor logits = torch::tensor({{1.0, 2.0, 0.0}}, torch::kFloat64);
  const torch::Tensor label = torch::tensor({0L});
  const double sum = std::exp(1.0) + std::exp(2.0) + 1.0;
  const std::array<double, 3> p = {std::exp(1.0) / sum, std::exp(2.0) / sum, 1.0 / sum};
  EXPECT_NEAR(ordinal_distance_loss(logits, label, kNoWeights, 2.0).item<double>(),
              1 * (1 - p[0]) + 3 * p[1] + 5 * p[2], 1e-12);
  const double soft = 1.0 + std::exp(-1.5) + std::exp(-3.0);
  EXPECT_NEAR(soft_ordinal_loss(logits, label, kNoWeights, 1.5).item<double>(),
              -(std::log(p[0]) + std::exp(-1.5) * std::log(p[1]) + std::exp(-3.0) * std::log(p[2])) / soft, 1e-12);

  // Four grades, three steps; grades 1 and 3. Step 0 asks both, step 1 both, step 2 only the second.
  const torch::Tensor steps = torch::tensor({{0.3, -0.2, 0.9}, {1.1, 0.4, -0.7}}, torch::kFloat64);
  const torch::Tensor labels = torch::tensor({1L, 3L});
  const double corn = -std::log(sigmoid(0.3)) - std::log(1 - sigmoid(-0.2)) - std::log(sigmoid(1.1)) -
                      std::log(sigmoid(0.4)) - std::log(sigmoid(-0.7));
  EXPECT_NEAR(corn_loss(steps, labels, kNoWeights).item<double>(), corn / 5, 1e-12);
  const double cumulative = corn - std::log(1 - sigmoid(0.9));
  EXPECT_NEAR(cumulative_loss(steps, labels, kNoWeights).item<double>(), cumulative / 6, 1e-12);
}

TEST(OrdinalLosses, PunishFarGradesMore) {
  const torch::Tensor label = torch::tensor({0L});
  const auto sure_of = [](std::int64_t grade) {
    return torch::one_hot(torch::tensor({grade}), 5).to(torch::kFloat64) * 9;
  };
  for (std::int64_t grade = 1; grade < 4; ++grade) {
    EXPECT_LT(ordinal_distance_loss(sure_of(grade), label, kNoWeights, 2.0).item<double>(),
              ordinal_distance_loss(sure_of(grade + 1), label, kNoWeights, 2.0).item<double>());
    EXPECT_LT(soft_ordinal_loss(sure_of(grade), label, kNoWeights, 1.0).item<double>(),
              soft_ordinal_loss(sure_of(grade + 1), label, kNoWeights, 1.0).item<double>());
    EXPECT_NEAR(smoothed_cross_entropy(sure_of(grade), label, kNoWeights, 0).item<double>(),
                smoothed_cross_entropy(sure_of(grade + 1), label, kNoWeights, 0).item<double>(), 1e-12);
  }
}

TEST(Decoding, GivesProbabilities) {
  torch::manual_seed(8);
  const torch::Tensor steps = torch::randn({50, 4}, torch::kFloat64) * 3.0;
  for (const Decoding decoding : {Decoding::kSoftmax, Decoding::kCorn, Decoding::kCumulative}) {
    const torch::Tensor p = class_probabilities(steps, decoding);
    EXPECT_EQ(p.size(1), decoding == Decoding::kSoftmax ? 4 : 5);
    EXPECT_GE(p.min().item<double>(), 0.0);
    EXPECT_TRUE(torch::allclose(p.sum(1), torch::ones({50}, torch::kFloat64), 1e-12, 1e-12));
  }
}

TEST(Decoding, MatchesItsDefinition) {
  const torch::Tensor steps = torch::tensor({{0.5, 1.0}}, torch::kFloat64);
  const double a = sigmoid(0.5), b = sigmoid(1.0);
  const torch::Tensor corn = class_probabilities(steps, Decoding::kCorn);
  EXPECT_NEAR(corn[0][0].item<double>(), 1 - a, 1e-12);
  EXPECT_NEAR(corn[0][1].item<double>(), a - a * b, 1e-12);
  EXPECT_NEAR(corn[0][2].item<double>(), a * b, 1e-12);
  const torch::Tensor cumulative = class_probabilities(steps, Decoding::kCumulative);  // b > a: cut down to a
  EXPECT_NEAR(cumulative[0][1].item<double>(), 0.0, 1e-12);
  EXPECT_NEAR(cumulative[0][2].item<double>(), a, 1e-12);
}

TEST(OrdinalLosses, SmoothNoLabels) {
  EXPECT_THROW(make_loss({.kind = LossKind::kCorn, .label_smoothing = 0.1}, 5), ConfigError);
}

}  // namespace
}  // namespace genu::train
