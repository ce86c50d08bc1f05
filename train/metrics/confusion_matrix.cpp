#include "train/metrics/confusion_matrix.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/errors.h"

namespace genu::train {

namespace {

double ratio_or_zero(double numerator, double denominator) { return denominator > 0 ? numerator / denominator : 0.0; }

template <class F>
double mean_over_classes(const ConfusionMatrix& matrix, F score) {
  double sum = 0;
  for (int cls = 0; cls < matrix.class_count(); ++cls) sum += score(matrix, cls);
  return sum / matrix.class_count();
}

// Sum over cells of count * f(|label - predicted|), divided by the total.
template <class F>
double mean_of_distance(const ConfusionMatrix& matrix, F f) {
  double sum = 0;
  for (int label = 0; label < matrix.class_count(); ++label) {
    for (int guess = 0; guess < matrix.class_count(); ++guess) {
      sum += static_cast<double>(matrix.at(label, guess)) * f(std::abs(label - guess));
    }
  }
  return sum / static_cast<double>(matrix.total());
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(int class_count)
    : class_count_(class_count), counts_(static_cast<std::size_t>(class_count * class_count), 0) {}

void ConfusionMatrix::add(int label, int predicted, std::int64_t count) {
  if (!(label >= 0 && label < class_count_ && predicted >= 0 && predicted < class_count_)) {
    throw DataError(fmt::format("class {} predicted as {}: classes run from 0 to {}; check the labels", label,
                                predicted, class_count_ - 1));
  }
  counts_[static_cast<std::size_t>(label * class_count_ + predicted)] += count;
}

std::int64_t ConfusionMatrix::at(int label, int predicted) const {
  return counts_.at(static_cast<std::size_t>(label * class_count_ + predicted));
}

std::int64_t ConfusionMatrix::total() const {
  std::int64_t sum = 0;
  for (const std::int64_t count : counts_) sum += count;
  return sum;
}

std::int64_t ConfusionMatrix::labelled(int label) const {
  std::int64_t sum = 0;
  for (int guess = 0; guess < class_count_; ++guess) sum += at(label, guess);
  return sum;
}

std::int64_t ConfusionMatrix::predicted(int predicted) const {
  std::int64_t sum = 0;
  for (int label = 0; label < class_count_; ++label) sum += at(label, predicted);
  return sum;
}

ConfusionMatrix count_confusion(const std::vector<Prediction>& predictions) {
  if (predictions.empty()) throw DataError("no predictions to score; check the split");
  ConfusionMatrix matrix(static_cast<int>(predictions.front().probabilities.size()));
  for (const Prediction& prediction : predictions) {
    if (static_cast<int>(prediction.probabilities.size()) != matrix.class_count()) {
      throw DataError(fmt::format("{}: {} probabilities where others have {}; use one model for one report",
                                  prediction.sample_id, prediction.probabilities.size(), matrix.class_count()));
    }
    matrix.add(prediction.label, prediction.predicted());
  }
  return matrix;
}

double accuracy(const ConfusionMatrix& matrix) {
  return mean_of_distance(matrix, [](int distance) { return distance == 0 ? 1.0 : 0.0; });
}

double balanced_accuracy(const ConfusionMatrix& matrix) {
  double sum = 0;
  int present = 0;
  for (int cls = 0; cls < matrix.class_count(); ++cls) {
    if (matrix.labelled(cls) == 0) continue;
    sum += recall(matrix, cls);
    ++present;
  }
  return ratio_or_zero(sum, present);
}

double precision(const ConfusionMatrix& matrix, int cls) {
  return ratio_or_zero(static_cast<double>(matrix.at(cls, cls)), static_cast<double>(matrix.predicted(cls)));
}

double recall(const ConfusionMatrix& matrix, int cls) {
  return ratio_or_zero(static_cast<double>(matrix.at(cls, cls)), static_cast<double>(matrix.labelled(cls)));
}

double f1_score(const ConfusionMatrix& matrix, int cls) {
  return ratio_or_zero(2.0 * static_cast<double>(matrix.at(cls, cls)),
                       static_cast<double>(matrix.labelled(cls) + matrix.predicted(cls)));
}

double macro_precision(const ConfusionMatrix& matrix) { return mean_over_classes(matrix, precision); }
double macro_recall(const ConfusionMatrix& matrix) { return mean_over_classes(matrix, recall); }
double macro_f1(const ConfusionMatrix& matrix) { return mean_over_classes(matrix, f1_score); }

std::optional<Confusion> hardest_confusion(const ConfusionMatrix& matrix, int label) {
  Confusion hardest;
  for (int guess = 0; guess < matrix.class_count(); ++guess) {
    if (guess != label && matrix.at(label, guess) > hardest.count) hardest = {guess, matrix.at(label, guess)};
  }
  if (hardest.count == 0) return std::nullopt;
  return hardest;
}

std::optional<double> weighted_kappa(const ConfusionMatrix& matrix, KappaWeights weights) {
  const double total = static_cast<double>(matrix.total());
  double observed = 0;
  double expected = 0;
  for (int label = 0; label < matrix.class_count(); ++label) {
    for (int guess = 0; guess < matrix.class_count(); ++guess) {
      const double distance = std::abs(label - guess);
      const double weight = weights == KappaWeights::kLinear ? distance : distance * distance;
      observed += weight * static_cast<double>(matrix.at(label, guess));
      expected +=
          weight * static_cast<double>(matrix.labelled(label)) * static_cast<double>(matrix.predicted(guess)) / total;
    }
  }
  if (!(expected > 0)) return std::nullopt;
  return 1.0 - observed / expected;
}

double mean_absolute_error(const ConfusionMatrix& matrix) {
  return mean_of_distance(matrix, [](int distance) { return static_cast<double>(distance); });
}

double within_one(const ConfusionMatrix& matrix) {
  return mean_of_distance(matrix, [](int distance) { return distance <= 1 ? 1.0 : 0.0; });
}

}  // namespace genu::train
