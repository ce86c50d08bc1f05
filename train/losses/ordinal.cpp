#include "train/losses/ordinal.h"

namespace genu::train {

namespace {

// |i - y| as the type of the logits, [n, classes].
torch::Tensor distances(const torch::Tensor& labels, std::int64_t class_count, const torch::Tensor& like) {
  const torch::Tensor grades = torch::arange(class_count, labels.options());
  return (grades.unsqueeze(0) - labels.unsqueeze(1)).abs().to(like.scalar_type());
}

torch::Tensor weights_of(const torch::Tensor& labels, const torch::Tensor& class_weights, const torch::Tensor& like) {
  if (!class_weights.defined()) return torch::ones({labels.size(0)}, like.options().requires_grad(false));
  return class_weights.to(like.device(), like.scalar_type()).index_select(0, labels);
}

torch::Tensor weighted_mean(const torch::Tensor& values, const torch::Tensor& weights) {
  return (values * weights).sum() / weights.sum();
}

// 1 where y > k, [n, steps].
torch::Tensor above(const torch::Tensor& labels, std::int64_t steps, const torch::Tensor& like) {
  return (labels.unsqueeze(1) > torch::arange(steps, labels.options()).unsqueeze(0)).to(like.scalar_type());
}

// Binary cross-entropy from logits, element by element.
torch::Tensor step_cross_entropy(const torch::Tensor& logits, const torch::Tensor& target) {
  return torch::softplus(logits) - target * logits;
}

}  // namespace

torch::Tensor ordinal_distance_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                                    const torch::Tensor& class_weights, double distance_weight) {
  const torch::Tensor p = logits.softmax(1);
  const torch::Tensor distance = distances(labels, logits.size(1), logits);
  const torch::Tensor wrong = distance.gt(0).to(logits.scalar_type());
  const torch::Tensor q = wrong * p + (1.0 - wrong) * (1.0 - p);
  return weighted_mean(((1.0 + distance_weight * distance) * q).sum(1), weights_of(labels, class_weights, logits));
}

torch::Tensor soft_ordinal_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                                const torch::Tensor& class_weights, double sharpness) {
  const torch::Tensor target = (distances(labels, logits.size(1), logits) * -sharpness).softmax(1);
  return weighted_mean(-(target * logits.log_softmax(1)).sum(1), weights_of(labels, class_weights, logits));
}

torch::Tensor corn_loss(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& class_weights) {
  const std::int64_t steps = logits.size(1);
  // Step k asks the samples above grade k - 1; all are above grade -1.
  const torch::Tensor asked = above(labels + 1, steps, logits);
  const torch::Tensor weights = weights_of(labels, class_weights, logits).unsqueeze(1) * asked;
  return (step_cross_entropy(logits, above(labels, steps, logits)) * weights).sum() / weights.sum();
}

torch::Tensor cumulative_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                              const torch::Tensor& class_weights) {
  return weighted_mean(step_cross_entropy(logits, above(labels, logits.size(1), logits)).mean(1),
                       weights_of(labels, class_weights, logits));
}

torch::Tensor class_probabilities(const torch::Tensor& logits, Decoding decoding) {
  if (decoding == Decoding::kSoftmax) return logits.softmax(1);
  const torch::Tensor steps = logits.sigmoid();
  const torch::Tensor above_k = decoding == Decoding::kCorn ? steps.cumprod(1) : std::get<0>(torch::cummin(steps, 1));
  const torch::Tensor one = torch::ones_like(steps.narrow(1, 0, 1));
  return torch::cat({one, above_k}, 1) - torch::cat({above_k, torch::zeros_like(one)}, 1);
}

}  // namespace genu::train
