// Do the probabilities mean what they say?
#pragma once

#include <cstddef>
#include <vector>

#include "train/metrics/prediction.h"

namespace genu::train {

// Expected calibration error with 15 bins of equal width over the probability of the predicted grade: the mean over
// samples of |accuracy - mean probability| of their bin (Guo et al., "On calibration of modern neural networks",
// ICML 2017). Requires a list that is not empty.
double expected_calibration_error(const std::vector<Prediction>& predictions);

// The same bins, lowest first: what a reliability diagram shows. Means are 0 in an empty bin.
struct ReliabilityBin {
  std::size_t count = 0;
  double mean_probability = 0;
  double accuracy = 0;
};
std::vector<ReliabilityBin> reliability_bins(const std::vector<Prediction>& predictions);

// p -> softmax(log p / temperature), p not below 1e-12. Requires temperature > 0. The predicted grade stays.
Prediction scale_temperature(Prediction prediction, double temperature);

// The temperature, 0.05 .. 20, with the least log loss. Requires a list that is not empty.
double fit_temperature(const std::vector<Prediction>& predictions);

// Each subject's predictions with the temperature that was fitted on the other half of the subjects (in alphabetical
// order, every second one), so that none is judged by itself. Fewer than two subjects: as they are.
std::vector<Prediction> cross_scaled(const std::vector<Prediction>& predictions);

// Micro precision and recall of "probability above one half", over all (sample, grade) pairs, as Keras's Precision and
// Recall count them: a sample of which no grade reaches one half is a miss, but no false alarm. 0 where nothing is
// above. Requires a list that is not empty.
struct MicroScores {
  double precision = 0;
  double recall = 0;
};
MicroScores micro_scores_at_half(const std::vector<Prediction>& predictions);

}  // namespace genu::train
