// All scores of one set of predictions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/metrics/confusion_matrix.h"
#include "train/metrics/prediction.h"

namespace genu::train {

struct ClassScores {
  std::int64_t sample_count = 0;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  std::optional<double> auc;  // one against the rest
};

struct Scores {
  double accuracy = 0;
  double balanced_accuracy = 0;
  double macro_precision = 0;
  double macro_recall = 0;
  double macro_f1 = 0;
  std::optional<double> macro_auc;
  std::optional<double> quadratic_kappa;
  std::optional<double> linear_kappa;
  double mean_absolute_error = 0;  // grades
  double within_one = 0;
  double calibration_error = 0;        // expected, of the probabilities as they are
  double micro_precision_at_half = 0;  // "probability above 0.5", over all (sample, grade) pairs
  double micro_recall_at_half = 0;
  std::vector<ClassScores> classes;
  ConfusionMatrix confusion{1};
};

// Throws DataError on an empty list.
Scores score(const std::vector<Prediction>& predictions);

// Mean of -log p of the right grade, p not below 1e-12. Requires a list that is not empty.
double log_loss(const std::vector<Prediction>& predictions);

// The summary scores by name, in the order they are printed.
struct NamedScore {
  std::string name;
  std::optional<double> value;
};
std::vector<NamedScore> summary(const Scores& scores);

}  // namespace genu::train
