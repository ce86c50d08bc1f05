// Confidence intervals by the subject-clustered bootstrap: subjects are drawn with replacement, each with all its
// knees, because two knees of one person are not two independent samples (Field and Welsh 2007).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/metrics/prediction.h"

namespace genu::train {

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapOptions {
  int replicates = 1000;     // > 0
  double confidence = 0.95;  // 0 .. 1
  std::uint64_t seed = 0;
};

struct NamedInterval {
  std::string name;                  // as summary(Scores)
  std::optional<Interval> interval;  // nothing where fewer than half of the replicates define the score
};

// Percentile intervals of every summary score, in summary()'s order. Replicate r draws from its own keyed stream, so
// the result depends on the predictions and the seed alone. Throws DataError on an empty list.
std::vector<NamedInterval> bootstrap_intervals(const std::vector<Prediction>& predictions,
                                               const BootstrapOptions& options);

// Linear interpolation between order statistics, as NumPy's percentile. Requires values not empty, 0 <= p <= 1.
double quantile(std::vector<double> values, double p);

}  // namespace genu::train
