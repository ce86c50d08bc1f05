#include "train/losses/loss.h"

#include <fmt/format.h>

#include "core/errors.h"
#include "train/losses/ordinal.h"

namespace genu::train {

torch::Tensor smoothed_cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                                     const torch::Tensor& class_weights, double label_smoothing) {
  return torch::cross_entropy_loss(logits, labels, class_weights, at::Reduction::Mean, -100, label_smoothing);
}

torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& alpha,
                         double gamma, double label_smoothing) {
  const std::int64_t class_count = logits.size(1);
  const torch::Tensor log_p = torch::log_softmax(logits, 1);
  torch::Tensor target = torch::one_hot(labels, class_count).to(logits.scalar_type());
  if (label_smoothing > 0) {
    target = target * (1.0 - label_smoothing) + label_smoothing / static_cast<double>(class_count);
  }
  if (alpha.defined()) target = target * alpha;
  // 1 - p may round to 0 where p^gamma has no gradient for gamma < 1: the floor keeps the gradient finite.
  const torch::Tensor miss = (1.0 - log_p.exp()).clamp_min(1e-12);
  return -(target * miss.pow(gamma) * log_p).sum(1).mean();
}

torch::Tensor soft_target_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  return -(targets * torch::log_softmax(logits, 1)).sum(1).mean();
}

namespace {

// Weights, which may be undefined, on the device of the logits.
torch::Tensor beside(const torch::Tensor& logits, const torch::Tensor& weights) {
  return weights.defined() ? weights.to(logits.device()) : weights;
}

}  // namespace

Loss make_loss(const LossConfig& config, int class_count) {
  torch::Tensor weights;
  if (!config.class_weights.empty()) {
    if (static_cast<int>(config.class_weights.size()) != class_count) {
      throw ConfigError(fmt::format("loss.class_weights: {} weights for {} grades; give one a grade, or none",
                                    config.class_weights.size(), class_count));
    }
    weights = torch::tensor(config.class_weights, torch::kFloat32);
  }
  const bool smooths = config.kind == LossKind::kCrossEntropy || config.kind == LossKind::kFocal;
  if (!smooths && config.label_smoothing > 0) {
    throw ConfigError("loss.label_smoothing: only cross_entropy and focal smooth labels; set it to 0");
  }
  switch (config.kind) {
    case LossKind::kCrossEntropy:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return smoothed_cross_entropy(logits, labels, beside(logits, weights), config.label_smoothing);
      };
    case LossKind::kFocal:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return focal_loss(logits, labels, beside(logits, weights), config.gamma, config.label_smoothing);
      };
    case LossKind::kOrdinalDistance:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return ordinal_distance_loss(logits, labels, beside(logits, weights), config.distance_weight);
      };
    case LossKind::kSoftOrdinal:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return soft_ordinal_loss(logits, labels, beside(logits, weights), config.sharpness);
      };
    case LossKind::kCorn:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return corn_loss(logits, labels, beside(logits, weights));
      };
    case LossKind::kCumulative:
      return [=](const torch::Tensor& logits, const torch::Tensor& labels) {
        return cumulative_loss(logits, labels, beside(logits, weights));
      };
  }
  throw InternalError("unknown loss");
}

}  // namespace genu::train
