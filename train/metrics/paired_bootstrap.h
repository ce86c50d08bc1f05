// Is the difference between two graders of the same samples more than chance? Subjects are drawn with replacement, each
// with all its knees, and both graders are scored on every draw (Efron and Tibshirani, "An introduction to the
// bootstrap", 1993, chapters 8 and 13; clusters as in bootstrap.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/metrics/bootstrap.h"

namespace genu::train {

// One sample, graded by every run of both sides.
struct PairedGrades {
  std::string subject;
  int label = 0;       // 0 .. class_count - 1
  std::vector<int> a;  // predicted grade, one a run; not empty and of one length over all samples
  std::vector<int> b;
};

struct PairedDifference {
  std::string metric;  // accuracy, balanced_accuracy or quadratic_kappa
  std::optional<double> a;
  std::optional<double> b;
  std::optional<double> difference;  // b - a, each the mean over its runs
  std::optional<Interval> interval;  // percentile; nothing where fewer than half of the replicates define the score
  // Two-sided: twice the smaller share of replicates at or beyond 0, one added to both counts; so never below
  // 2 / (replicates + 1).
  std::optional<double> p;
};

// A pure function of (samples, options), whatever the order of the samples. Throws DataError on an empty list.
std::vector<PairedDifference> paired_bootstrap(const std::vector<PairedGrades>& samples, int class_count,
                                               const BootstrapOptions& options);

}  // namespace genu::train
