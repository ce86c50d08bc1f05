// Losses that know that grades are ordered. Each is a mean over samples, weighted by the weight of each sample's grade.
//   labels         int64 [n], 0 .. classes - 1
//   class_weights  float [classes], or undefined for none
#pragma once

#include <torch/torch.h>

#include "train/losses/loss_config.h"

namespace genu::train {

// Sum over grades i of w_i q_i with w_i = 1 + distance_weight |i - y|, q_i = p_i for wrong grades and 1 - p_y for the
// right one; p = softmax(logits [n, classes]). distance_weight = 2 gives the 1-3-5-7-9 ladder.
//   Chen et al., "Fully automatic knee osteoarthritis severity grading using deep neural networks with a novel ordinal
//   loss", Computerized Medical Imaging and Graphics 75 (2019).
torch::Tensor ordinal_distance_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                                    const torch::Tensor& class_weights, double distance_weight);

// Cross-entropy against targets softmax over i of -sharpness |i - y|; logits [n, classes].
//   Diaz and Marathe, "Soft labels for ordinal regression", CVPR 2019.
torch::Tensor soft_ordinal_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                                const torch::Tensor& class_weights, double sharpness);

// logits [n, classes - 1]: output k is the logit of y > k among the samples with y > k - 1. The sum of binary
// cross-entropies over those pairs of sample and step, divided by their number.
//   Shi, Cao and Raschka, "Deep neural networks for rank-consistent ordinal regression based on conditional
//   probabilities" (CORN), Pattern Analysis and Applications 26 (2023).
torch::Tensor corn_loss(const torch::Tensor& logits, const torch::Tensor& labels, const torch::Tensor& class_weights);

// logits [n, classes - 1]: output k is the logit of y > k. Mean binary cross-entropy.
//   Niu et al., "Ordinal regression with multiple output CNN for age estimation", CVPR 2016.
torch::Tensor cumulative_loss(const torch::Tensor& logits, const torch::Tensor& labels,
                              const torch::Tensor& class_weights);

// Probabilities [n, classes], each row of sum 1, of a network's outputs. With kCumulative, P(y > k) is the least of the
// outputs up to k, so that no grade has a negative probability; with kCorn it is their product.
torch::Tensor class_probabilities(const torch::Tensor& logits, Decoding decoding);

}  // namespace genu::train
