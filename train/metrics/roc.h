// Area under the receiver operating characteristic curve.
#pragma once

#include <optional>
#include <vector>

#include "train/metrics/prediction.h"

namespace genu::train {

struct ScoredSample {
  double score = 0;
  enum class Truth { kNegative, kPositive } truth = Truth::kNegative;
};

// Probability that a positive outscores a negative, ties counting half (Mann-Whitney U). Nothing where either kind is
// absent. Throws DataError on a NaN score.
std::optional<double> area_under_roc(std::vector<ScoredSample> samples);

// Class `cls` against the rest.
std::optional<double> one_vs_rest_auc(const std::vector<Prediction>& predictions, int cls);

// Mean over the classes that have both kinds; nothing where none has.
std::optional<double> macro_one_vs_rest_auc(const std::vector<Prediction>& predictions);

// Of "score >= threshold" for every threshold from above the largest score down.
struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  bool operator==(const RocPoint&) const = default;
};

// Class `cls` against the rest: from (0, 0) to (1, 1), one point a score. The area under its lines is
// one_vs_rest_auc(). Empty where either kind is absent. Throws DataError on a NaN score.
std::vector<RocPoint> roc_curve(const std::vector<Prediction>& predictions, int cls);

}  // namespace genu::train
