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

}  // namespace genu::train
