#include "train/metrics/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

#include "train/metrics/scores.h"

namespace genu::train {

namespace {

constexpr std::size_t kBins = 15;
constexpr double kLeastProbability = 1e-12;

std::vector<Prediction> scaled(std::vector<Prediction> predictions, double temperature) {
  for (Prediction& row : predictions) row = scale_temperature(std::move(row), temperature);
  return predictions;
}

}  // namespace

std::vector<ReliabilityBin> reliability_bins(const std::vector<Prediction>& predictions) {
  std::vector<ReliabilityBin> bins(kBins);
  for (const Prediction& row : predictions) {
    const int guess = row.predicted();
    const double probability = row.probabilities[static_cast<std::size_t>(guess)];
    // Bins are open below and closed above, as in the paper.
    const auto position = static_cast<std::size_t>(std::max(0.0, std::ceil(probability * kBins) - 1.0));
    ReliabilityBin& bin = bins[std::min(position, kBins - 1)];
    ++bin.count;
    bin.mean_probability += probability;
    bin.accuracy += guess == row.label ? 1.0 : 0.0;
  }
  for (ReliabilityBin& bin : bins) {
    if (bin.count == 0) continue;
    bin.mean_probability /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return bins;
}

double expected_calibration_error(const std::vector<Prediction>& predictions) {
  double sum = 0;
  for (const ReliabilityBin& bin : reliability_bins(predictions)) {
    sum += static_cast<double>(bin.count) * std::abs(bin.accuracy - bin.mean_probability);
  }
  return sum / static_cast<double>(predictions.size());
}

Prediction scale_temperature(Prediction prediction, double temperature) {
  double sum = 0;
  for (double& p : prediction.probabilities) {
    p = std::pow(std::max(p, kLeastProbability), 1.0 / temperature);
    sum += p;
  }
  for (double& p : prediction.probabilities) p /= sum;
  return prediction;
}

// Golden-section search over the logarithm: the log loss has one minimum in 1 / temperature.
double fit_temperature(const std::vector<Prediction>& predictions) {
  const auto loss = [&](double log_t) { return log_loss(scaled(predictions, std::exp(log_t))); };
  const double ratio = 0.5 * (std::sqrt(5.0) - 1.0);
  double low = std::log(0.05), high = std::log(20.0);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double loss_a = loss(a), loss_b = loss(b);
  while (high - low > 1e-4) {
    if (loss_a < loss_b) {
      high = b;
      b = a;
      loss_b = loss_a;
      a = high - ratio * (high - low);
      loss_a = loss(a);
    } else {
      low = a;
      a = b;
      loss_a = loss_b;
      b = low + ratio * (high - low);
      loss_b = loss(b);
    }
  }
  return std::exp(0.5 * (low + high));
}

std::vector<Prediction> cross_scaled(const std::vector<Prediction>& predictions) {
  std::map<std::string, std::size_t> subjects;
  for (const Prediction& row : predictions) subjects[row.subject] = 0;
  std::size_t position = 0;
  for (auto& [subject, half] : subjects) half = position++ % 2;
  if (subjects.size() < 2) return predictions;
  std::array<std::vector<Prediction>, 2> halves;
  for (const Prediction& row : predictions) halves[subjects.at(row.subject)].push_back(row);
  const std::array<double, 2> temperatures = {fit_temperature(halves[1]), fit_temperature(halves[0])};
  std::vector<Prediction> out;
  for (const Prediction& row : predictions) {
    out.push_back(scale_temperature(row, temperatures[subjects.at(row.subject)]));
  }
  return out;
}

MicroScores micro_scores_at_half(const std::vector<Prediction>& predictions) {
  double above = 0, right = 0;
  for (const Prediction& row : predictions) {
    for (std::size_t cls = 0; cls < row.probabilities.size(); ++cls) {
      if (!(row.probabilities[cls] > 0.5)) continue;
      above += 1;
      right += static_cast<int>(cls) == row.label ? 1 : 0;
    }
  }
  return {above > 0 ? right / above : 0.0, right / static_cast<double>(predictions.size())};
}

}  // namespace genu::train
