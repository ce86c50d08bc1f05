// A study's table and summary.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/csv.h"
#include "train/loop/study.h"
#include "train/metrics/scores.h"

namespace genu::train {

namespace {

std::vector<std::string> score_names() {
  std::vector<std::string> names;
  for (const NamedScore& named : summary(Scores{})) names.push_back(named.name);
  return names;
}

struct Spread {
  std::size_t runs = 0;  // that define the score
  double mean = 0;
  std::optional<double> sd;  // divided by runs - 1; nothing for fewer than two
};

Spread spread_of(const std::vector<StudyRow>& rows, std::size_t score) {
  Spread spread;
  double squares = 0;
  for (const StudyRow& row : rows) {
    if (!row.scores[score]) continue;
    // Welford's update.
    const double step = *row.scores[score] - spread.mean;
    spread.mean += step / static_cast<double>(++spread.runs);
    squares += step * (*row.scores[score] - spread.mean);
  }
  if (spread.runs > 1) spread.sd = std::sqrt(squares / static_cast<double>(spread.runs - 1));
  return spread;
}

}  // namespace

std::string study_table_csv(const std::vector<StudyRow>& rows) {
  std::vector<std::string> header = {"repeat", "fold", "seed", "samples"};
  for (const std::string& name : score_names()) header.push_back(name);
  std::string text = csv_line(header);
  for (const StudyRow& row : rows) {
    std::vector<std::string> cells = {fmt::format("{}", row.repeat), row.fold ? fmt::format("{}", *row.fold) : "",
                                      fmt::format("{}", row.seed), fmt::format("{}", row.samples)};
    for (const auto& score : row.scores) cells.push_back(score ? fmt::format("{}", *score) : "");
    text += csv_line(cells);
  }
  return text;
}

std::string study_summary_json(const StudyConfig& config, const std::vector<StudyRow>& rows) {
  nlohmann::ordered_json json = {{"model", config.training.model.name}, {"folds", config.folds}, {"runs", rows.size()}};
  if (config.folds > 0) {
    json["pool"] = config.pool;
  } else {
    json["graded"] = config.graded;
  }
  json["shards_sha256"] = config.shards_sha256;
  const auto names = score_names();
  for (std::size_t k = 0; k < names.size(); ++k) {
    const Spread spread = spread_of(rows, k);
    json["scores"][names[k]] = {
        {"mean", spread.mean}, {"sd", spread.sd ? nlohmann::ordered_json(*spread.sd) : nullptr}, {"runs", spread.runs}};
  }
  return json.dump(2) + "\n";
}

std::string study_summary_text(const std::vector<StudyRow>& rows) {
  std::string text = fmt::format("{} runs\n  {:<24} {:>8} {:>8}\n", rows.size(), "", "mean", "SD");
  const auto names = score_names();
  for (std::size_t k = 0; k < names.size(); ++k) {
    const Spread spread = spread_of(rows, k);
    text += fmt::format("  {:<24} {:>8.4f} {:>8}\n", names[k], spread.mean,
                        spread.sd ? fmt::format("{:.4f}", *spread.sd) : "n/a");
  }
  return text;
}

}  // namespace genu::train
