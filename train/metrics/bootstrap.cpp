#include "train/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/random.h"
#include "train/metrics/scores.h"

namespace genu::train {

namespace {

// Sample positions of each subject, subjects in alphabetical order.
std::vector<std::vector<std::size_t>> group_by_subject(const std::vector<Prediction>& predictions) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < predictions.size(); ++i) groups[predictions[i].subject].push_back(i);
  std::vector<std::vector<std::size_t>> out;
  for (auto& [subject, members] : groups) out.push_back(std::move(members));
  return out;
}

std::vector<Prediction> resample(const std::vector<Prediction>& predictions,
                                 const std::vector<std::vector<std::size_t>>& groups, RandomStream stream) {
  std::vector<Prediction> drawn;
  drawn.reserve(predictions.size() + 8);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const std::size_t member : groups[stream.integer(static_cast<std::uint32_t>(groups.size()))]) {
      drawn.push_back(predictions[member]);
    }
  }
  return drawn;
}

}  // namespace

double quantile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

std::vector<NamedInterval> bootstrap_intervals(const std::vector<Prediction>& predictions,
                                               const BootstrapOptions& options) {
  const std::vector<NamedScore> names = summary(score(predictions));
  const auto groups = group_by_subject(predictions);
  std::vector<std::vector<double>> values(names.size());
  for (int replicate = 0; replicate < options.replicates; ++replicate) {
    RandomStream stream(options.seed, static_cast<std::uint64_t>(replicate), "bootstrap");
    const auto scores = summary(score(resample(predictions, groups, stream)));
    for (std::size_t k = 0; k < scores.size(); ++k) {
      if (scores[k].value) values[k].push_back(*scores[k].value);
    }
  }
  const double tail = 0.5 * (1.0 - options.confidence);
  std::vector<NamedInterval> out;
  for (std::size_t k = 0; k < names.size(); ++k) {
    out.push_back({names[k].name, std::nullopt});
    if (2 * values[k].size() < static_cast<std::size_t>(options.replicates) || values[k].empty()) continue;
    out.back().interval = Interval{quantile(values[k], tail), quantile(values[k], 1.0 - tail)};
  }
  return out;
}

}  // namespace genu::train
