#include "train/metrics/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "core/errors.h"
#include "train/metrics/predictions_file.h"
#include "train/metrics/scores.h"

namespace genu::train {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFile = "predictions.csv";

// By identity, so that the order in which samples were graded does not matter.
std::vector<Prediction> sorted(std::vector<Prediction> predictions) {
  std::stable_sort(predictions.begin(), predictions.end(), [](const Prediction& x, const Prediction& y) {
    return std::tie(x.sample_id, x.subject) < std::tie(y.sample_id, y.subject);
  });
  return predictions;
}

// Folders in `folder` that hold predictions, by name.
std::vector<fs::path> folders_with_predictions(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::is_regular_file(entry.path() / kFile)) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<Prediction> read_noted(const fs::path& file, std::vector<fs::path>& files) {
  files.push_back(file);
  return read_predictions(file);
}

std::vector<std::vector<Prediction>> folds_in(const fs::path& folder, std::vector<fs::path>& files) {
  std::vector<std::vector<Prediction>> folds;
  for (const fs::path& path : folders_with_predictions(folder)) {
    if (path.filename().string().starts_with("fold-")) folds.push_back(read_noted(path / kFile, files));
  }
  return folds;
}

// "" or what the two differ in.
std::string difference_of(const std::vector<Prediction>& a, const std::vector<Prediction>& b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const bool only_a = i >= b.size() || (i < a.size() && a[i].sample_id < b[i].sample_id);
    const bool only_b = i >= a.size() || (i < b.size() && b[i].sample_id < a[i].sample_id);
    if (only_a) return fmt::format("'{}' is in the first only", a[i].sample_id);
    if (only_b) return fmt::format("'{}' is in the second only", b[i].sample_id);
    if (a[i].subject != b[i].subject) return fmt::format("'{}' is of another subject", a[i].sample_id);
    if (a[i].label != b[i].label) return fmt::format("'{}' has another grade", a[i].sample_id);
    if (a[i].probabilities.size() != b[i].probabilities.size()) return "they have different numbers of grades";
  }
  return "";
}

void require_same_samples(const std::string& a_name, const std::vector<Prediction>& a, const std::string& b_name,
                          const std::vector<Prediction>& b) {
  const std::string difference = difference_of(a, b);
  if (difference.empty()) return;
  throw DataError(
      fmt::format("{} and {} did not grade the same images: {}; evaluate both on the same split of the "
                  "same shards",
                  a_name, b_name, difference));
}

std::vector<PairedGrades> pair_up(const Contender& a, const Contender& b) {
  std::vector<PairedGrades> samples;
  for (std::size_t i = 0; i < a.runs.front().size(); ++i) {
    PairedGrades sample{a.runs.front()[i].subject, a.runs.front()[i].label, {}, {}};
    for (const auto& run : a.runs) sample.a.push_back(run[i].predicted());
    for (const auto& run : b.runs) sample.b.push_back(run[i].predicted());
    samples.push_back(std::move(sample));
  }
  return samples;
}

McNemar mcnemar_of(const std::vector<PairedGrades>& samples) {
  Discordant counts;
  for (const PairedGrades& sample : samples) {
    const bool a = sample.a.front() == sample.label, b = sample.b.front() == sample.label;
    counts.only_a_right += a && !b ? 1 : 0;
    counts.only_b_right += b && !a ? 1 : 0;
  }
  return mcnemar(counts);
}

MetricAnova::Group describe(const std::vector<double>& values) {
  MetricAnova::Group group{.mean = 0, .sd = std::nullopt, .observations = values.size()};
  for (const double value : values) group.mean += value / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - group.mean) * (value - group.mean);
  if (values.size() > 1) group.sd = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return group;
}

// Scores of each observation, by metric; a metric that some observation leaves undefined is left out.
std::vector<MetricAnova> analyse_variance(const std::vector<Contender>& contenders) {
  std::vector<std::vector<std::vector<NamedScore>>> scores;
  for (const Contender& contender : contenders) {
    scores.emplace_back();
    for (const auto& observation : contender.observations) scores.back().push_back(summary(score(observation)));
  }
  std::vector<MetricAnova> out;
  for (std::size_t k = 0; k < scores.front().front().size(); ++k) {
    MetricAnova row{.metric = scores.front().front()[k].name, .groups = {}, .anova = std::nullopt};
    std::vector<std::vector<double>> groups;
    bool defined = true;
    for (const auto& observations : scores) {
      groups.emplace_back();
      for (const auto& one : observations) {
        defined = defined && one[k].value.has_value();
        groups.back().push_back(one[k].value.value_or(0.0));
      }
      row.groups.push_back(describe(groups.back()));
    }
    if (!defined) continue;
    row.anova = one_way_anova(groups);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace

Contender load_contender(const fs::path& path) {
  if (!fs::exists(path)) throw IoError(path.string() + ": no such file or folder; name a report of genu evaluate");
  Contender contender{.name = path.string(), .runs = {}, .observations = {}};
  fs::path single = path;  // what a single run is
  if (!fs::is_directory(path)) {
    contender.runs.push_back(sorted(read_noted(path, contender.files)));
  } else if (fs::exists(path / kFile)) {
    contender.runs.push_back(sorted(read_noted(path / kFile, contender.files)));
  } else {
    const auto folders = folders_with_predictions(path);
    if (folders.empty()) {
      throw DataError(
          fmt::format("{}: no {} here or one folder below; name a report of genu evaluate --out or a folder "
                      "of genu crossval",
                      path.string(), kFile));
    }
    single = folders.front();
    for (const fs::path& folder : folders) {
      contender.runs.push_back(sorted(read_noted(folder / kFile, contender.files)));
      require_same_samples(single.string(), contender.runs.front(), folder.string(), contender.runs.back());
    }
  }
  if (contender.runs.size() == 1 && fs::is_directory(single))
    contender.observations = folds_in(single, contender.files);
  if (contender.observations.empty()) contender.observations = contender.runs;
  return contender;
}

Comparison compare(const std::vector<Contender>& contenders, const BootstrapOptions& bootstrap) {
  const Contender& first = contenders.front();
  Comparison out;
  out.bootstrap = bootstrap;
  std::set<std::string> subjects;
  for (const Prediction& row : first.runs.front()) subjects.insert(row.subject);
  out.samples = first.runs.front().size();
  out.subjects = subjects.size();
  for (const Contender& contender : contenders) {
    require_same_samples(first.name, first.runs.front(), contender.name, contender.runs.front());
    out.names.push_back(contender.name);
  }
  const int class_count = static_cast<int>(first.runs.front().front().probabilities.size());
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    for (std::size_t j = i + 1; j < contenders.size(); ++j) {
      const auto samples = pair_up(contenders[i], contenders[j]);
      PairTest pair{.a = contenders[i].name,
                    .b = contenders[j].name,
                    .differences = paired_bootstrap(samples, class_count, bootstrap),
                    .mcnemar = std::nullopt};
      if (contenders[i].runs.size() == 1 && contenders[j].runs.size() == 1) pair.mcnemar = mcnemar_of(samples);
      out.pairs.push_back(std::move(pair));
    }
  }
  out.metrics = analyse_variance(contenders);
  return out;
}

}  // namespace genu::train
