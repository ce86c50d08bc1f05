#include "train/metrics/roc.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/errors.h"

namespace genu::train {

std::optional<double> area_under_roc(std::vector<ScoredSample> samples) {
  for (const ScoredSample& sample : samples) {
    if (std::isnan(sample.score)) throw DataError("a score is not a number; the model diverged, train it again");
  }
  std::sort(samples.begin(), samples.end(),
            [](const ScoredSample& a, const ScoredSample& b) { return a.score < b.score; });
  std::int64_t negatives_below = 0;
  std::int64_t positives = 0;
  double wins = 0;  // pairs won, ties half
  for (std::size_t i = 0; i < samples.size();) {
    std::int64_t tied_negatives = 0;
    std::int64_t tied_positives = 0;
    const double score = samples[i].score;
    for (; i < samples.size() && samples[i].score == score; ++i) {
      ++(samples[i].truth == ScoredSample::Truth::kPositive ? tied_positives : tied_negatives);
    }
    wins += static_cast<double>(tied_positives) *
            (static_cast<double>(negatives_below) + 0.5 * static_cast<double>(tied_negatives));
    negatives_below += tied_negatives;
    positives += tied_positives;
  }
  if (positives == 0 || negatives_below == 0) return std::nullopt;
  return wins / (static_cast<double>(positives) * static_cast<double>(negatives_below));
}

std::optional<double> one_vs_rest_auc(const std::vector<Prediction>& predictions, int cls) {
  std::vector<ScoredSample> samples;
  samples.reserve(predictions.size());
  for (const Prediction& prediction : predictions) {
    samples.push_back({prediction.probabilities.at(static_cast<std::size_t>(cls)),
                       prediction.label == cls ? ScoredSample::Truth::kPositive : ScoredSample::Truth::kNegative});
  }
  return area_under_roc(std::move(samples));
}

std::vector<RocPoint> roc_curve(const std::vector<Prediction>& predictions, int cls) {
  if (!one_vs_rest_auc(predictions, cls)) return {};
  std::vector<std::pair<double, bool>> samples;  // score, positive
  double positives = 0;
  for (const Prediction& prediction : predictions) {
    samples.emplace_back(prediction.probabilities.at(static_cast<std::size_t>(cls)), prediction.label == cls);
    positives += prediction.label == cls ? 1 : 0;
  }
  const double negatives = static_cast<double>(samples.size()) - positives;
  std::sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<RocPoint> points = {{0, 0}};
  double true_positives = 0, false_positives = 0;
  for (std::size_t i = 0; i < samples.size();) {
    const double score = samples[i].first;
    for (; i < samples.size() && samples[i].first == score; ++i) {
      (samples[i].second ? true_positives : false_positives) += 1;
    }
    points.push_back({false_positives / negatives, true_positives / positives});
  }
  return points;
}

std::optional<double> macro_one_vs_rest_auc(const std::vector<Prediction>& predictions) {
  const int class_count = predictions.empty() ? 0 : static_cast<int>(predictions.front().probabilities.size());
  double sum = 0;
  int defined = 0;
  for (int cls = 0; cls < class_count; ++cls) {
    if (const auto area = one_vs_rest_auc(predictions, cls)) {
      sum += *area;
      ++defined;
    }
  }
  if (defined == 0) return std::nullopt;
  return sum / defined;
}

}  // namespace genu::train
