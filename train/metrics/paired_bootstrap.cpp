#include "train/metrics/paired_bootstrap.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/errors.h"
#include "core/random.h"
#include "train/metrics/confusion_matrix.h"

namespace genu::train {

namespace {

constexpr std::array<const char*, 3> kMetrics = {"accuracy", "balanced_accuracy", "quadratic_kappa"};
using MetricValues = std::array<std::optional<double>, kMetrics.size()>;
using Group = std::vector<const PairedGrades*>;

MetricValues scores_of(const ConfusionMatrix& matrix) {
  return {accuracy(matrix), balanced_accuracy(matrix), weighted_kappa(matrix, KappaWeights::kQuadratic)};
}

// Mean over runs; nothing where one of them leaves it undefined.
MetricValues mean_scores(const std::vector<ConfusionMatrix>& runs) {
  MetricValues mean = {0.0, 0.0, 0.0};
  for (const ConfusionMatrix& run : runs) {
    const MetricValues scores = scores_of(run);
    for (std::size_t k = 0; k < mean.size(); ++k) {
      mean[k] =
          mean[k] && scores[k] ? std::optional(*mean[k] + *scores[k] / static_cast<double>(runs.size())) : std::nullopt;
    }
  }
  return mean;
}

struct Sides {
  MetricValues a;
  MetricValues b;
};

// Both sides on `count` groups, of which `which(i)` is the i-th.
template <class Which>
Sides score_groups(const std::vector<Group>& groups, int class_count, const Which& which) {
  std::vector<ConfusionMatrix> a(groups.front().front()->a.size(), ConfusionMatrix(class_count));
  std::vector<ConfusionMatrix> b(groups.front().front()->b.size(), ConfusionMatrix(class_count));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const PairedGrades* sample : groups[which(i)]) {
      for (std::size_t run = 0; run < a.size(); ++run) a[run].add(sample->label, sample->a.at(run));
      for (std::size_t run = 0; run < b.size(); ++run) b[run].add(sample->label, sample->b.at(run));
    }
  }
  return {mean_scores(a), mean_scores(b)};
}

void summarise(PairedDifference& row, const std::vector<double>& draws, const BootstrapOptions& options) {
  if (draws.empty() || 2 * draws.size() < static_cast<std::size_t>(options.replicates)) return;
  const double tail = 0.5 * (1.0 - options.confidence);
  row.interval = Interval{quantile(draws, tail), quantile(draws, 1.0 - tail)};
  const auto low = std::count_if(draws.begin(), draws.end(), [](double d) { return d <= 0; });
  const auto high = std::count_if(draws.begin(), draws.end(), [](double d) { return d >= 0; });
  row.p = std::min(1.0, 2.0 * static_cast<double>(std::min(low, high) + 1) / static_cast<double>(draws.size() + 1));
}

}  // namespace

std::vector<PairedDifference> paired_bootstrap(const std::vector<PairedGrades>& samples, int class_count,
                                               const BootstrapOptions& options) {
  if (samples.empty()) throw DataError("no samples to compare");
  std::map<std::string, Group> by_subject;
  for (const PairedGrades& sample : samples) by_subject[sample.subject].push_back(&sample);
  std::vector<Group> groups;
  for (auto& [subject, group] : by_subject) groups.push_back(std::move(group));

  const Sides whole = score_groups(groups, class_count, [](std::size_t i) { return i; });
  std::array<std::vector<double>, kMetrics.size()> draws;
  for (int replicate = 0; replicate < options.replicates; ++replicate) {
    RandomStream stream(options.seed, static_cast<std::uint64_t>(replicate), "paired bootstrap");
    const Sides drawn = score_groups(
        groups, class_count, [&](std::size_t) { return stream.integer(static_cast<std::uint32_t>(groups.size())); });
    for (std::size_t k = 0; k < kMetrics.size(); ++k) {
      if (drawn.a[k] && drawn.b[k]) draws[k].push_back(*drawn.b[k] - *drawn.a[k]);
    }
  }
  std::vector<PairedDifference> out;
  for (std::size_t k = 0; k < kMetrics.size(); ++k) {
    PairedDifference row{kMetrics[k], whole.a[k], whole.b[k], std::nullopt, std::nullopt, std::nullopt};
    if (row.a && row.b) row.difference = *row.b - *row.a;
    summarise(row, draws[k], options);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace genu::train
