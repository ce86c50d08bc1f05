#include "train/metrics/scores.h"

#include <algorithm>
#include <cmath>

#include "train/metrics/calibration.h"
#include "train/metrics/roc.h"

namespace genu::train {

Scores score(const std::vector<Prediction>& predictions) {
  const ConfusionMatrix matrix = count_confusion(predictions);
  const MicroScores micro = micro_scores_at_half(predictions);
  Scores scores{.accuracy = accuracy(matrix),
                .balanced_accuracy = balanced_accuracy(matrix),
                .macro_precision = macro_precision(matrix),
                .macro_recall = macro_recall(matrix),
                .macro_f1 = macro_f1(matrix),
                .macro_auc = macro_one_vs_rest_auc(predictions),
                .quadratic_kappa = weighted_kappa(matrix, KappaWeights::kQuadratic),
                .linear_kappa = weighted_kappa(matrix, KappaWeights::kLinear),
                .mean_absolute_error = mean_absolute_error(matrix),
                .within_one = within_one(matrix),
                .calibration_error = expected_calibration_error(predictions),
                .micro_precision_at_half = micro.precision,
                .micro_recall_at_half = micro.recall,
                .classes = {},
                .confusion = matrix};
  for (int cls = 0; cls < matrix.class_count(); ++cls) {
    scores.classes.push_back({matrix.labelled(cls), precision(matrix, cls), recall(matrix, cls), f1_score(matrix, cls),
                              one_vs_rest_auc(predictions, cls)});
  }
  return scores;
}

double log_loss(const std::vector<Prediction>& predictions) {
  double sum = 0;
  for (const Prediction& row : predictions) {
    sum -= std::log(std::max(1e-12, row.probabilities.at(static_cast<std::size_t>(row.label))));
  }
  return sum / static_cast<double>(predictions.size());
}

std::vector<NamedScore> summary(const Scores& scores) {
  return {{"accuracy", scores.accuracy},
          {"balanced_accuracy", scores.balanced_accuracy},
          {"macro_precision", scores.macro_precision},
          {"macro_recall", scores.macro_recall},
          {"macro_f1", scores.macro_f1},
          {"macro_auc", scores.macro_auc},
          {"quadratic_kappa", scores.quadratic_kappa},
          {"linear_kappa", scores.linear_kappa},
          {"mean_absolute_error", scores.mean_absolute_error},
          {"within_one", scores.within_one},
          {"calibration_error", scores.calibration_error},
          {"micro_precision_at_half", scores.micro_precision_at_half},
          {"micro_recall_at_half", scores.micro_recall_at_half}};
}

}  // namespace genu::train
