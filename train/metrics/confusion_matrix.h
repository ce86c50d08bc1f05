// Counts of (true class, predicted class), and every score that is a function of them alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "train/metrics/prediction.h"

namespace genu::train {

class ConfusionMatrix {
 public:
  // Requires class_count > 0.
  explicit ConfusionMatrix(int class_count);

  // Throws DataError unless both lie in 0 .. class_count - 1.
  void add(int label, int predicted, std::int64_t count = 1);

  int class_count() const { return class_count_; }
  std::int64_t at(int label, int predicted) const;
  std::int64_t total() const;
  std::int64_t labelled(int label) const;       // row sum
  std::int64_t predicted(int predicted) const;  // column sum
  bool operator==(const ConfusionMatrix&) const = default;

 private:
  int class_count_;
  std::vector<std::int64_t> counts_;  // [label][predicted]
};

// Throws DataError on an empty list or differing class counts.
ConfusionMatrix count_confusion(const std::vector<Prediction>& predictions);

// The scores follow scikit-learn's definitions with labels = every class and zero_division = 0. Each requires
// total() > 0.
double accuracy(const ConfusionMatrix& matrix);
// Mean recall over the classes that have samples.
double balanced_accuracy(const ConfusionMatrix& matrix);
double precision(const ConfusionMatrix& matrix, int cls);
double recall(const ConfusionMatrix& matrix, int cls);
double f1_score(const ConfusionMatrix& matrix, int cls);
double macro_precision(const ConfusionMatrix& matrix);
double macro_recall(const ConfusionMatrix& matrix);
double macro_f1(const ConfusionMatrix& matrix);

// The grade that samples of `label` are most often taken for wrongly (the lowest of equals), and how often. Nothing
// where none is.
struct Confusion {
  int predicted = 0;
  std::int64_t count = 0;
  bool operator==(const Confusion&) const = default;
};
std::optional<Confusion> hardest_confusion(const ConfusionMatrix& matrix, int label);

enum class KappaWeights { kLinear, kQuadratic };
// Cohen's weighted kappa (Cohen 1968). Nothing where chance alone agrees perfectly (one class on both sides).
std::optional<double> weighted_kappa(const ConfusionMatrix& matrix, KappaWeights weights);

// Mean of |predicted - label|, grades.
double mean_absolute_error(const ConfusionMatrix& matrix);
// Share of samples whose predicted grade is at most one away.
double within_one(const ConfusionMatrix& matrix);

}  // namespace genu::train
