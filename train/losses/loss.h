// Training losses over KL grades.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

#include "train/losses/loss_config.h"

namespace genu::train {

// Mean cross-entropy of softmax(logits).
//   logits           float [n, classes]
//   labels           int64 [n], 0 .. classes - 1
//   class_weights    float [classes], or undefined for none; the mean is weighted by them, as PyTorch's
//   label_smoothing  0 .. 1: that share of the target spread evenly over the classes (Szegedy et al., CVPR 2016)
torch::Tensor smoothed_cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                                     const torch::Tensor& class_weights, double label_smoothing);

// Mean focal loss, -alpha_y (1 - p_y)^gamma log p_y (Lin et al., "Focal loss for dense object detection", ICCV 2017),
// softmax form. gamma >= 0; gamma = 0 is cross-entropy weighted by alpha. `alpha` float [classes], or undefined for 1.
// With label smoothing, the target is spread and each class's term is focused by its own probability.
torch::Tensor focal_loss(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& alpha,
                         double gamma, double label_smoothing);

// Mean cross-entropy of softmax(logits) against the distributions `targets`; both float [n, classes], rows of targets
// of sum 1.
torch::Tensor soft_target_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

using Loss = std::function<torch::Tensor(const torch::Tensor& logits, const torch::Tensor& labels)>;

// Throws ConfigError if class_weights has another length than class_count, or where labels are to be smoothed that are
// not.
Loss make_loss(const LossConfig& config, int class_count);

}  // namespace genu::train
