#include "train/metrics/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/csv.h"
#include "core/files.h"
#include "train/metrics/calibration.h"
#include "train/metrics/predictions_file.h"

namespace genu::train {

namespace {

std::string score_text(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "n/a"; }

nlohmann::ordered_json score_json(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

std::string summary_table(const Report& report) {
  const auto names = summary(report.scores);
  std::string text;
  for (std::size_t k = 0; k < names.size(); ++k) {
    text += fmt::format("  {:<24} {:>8}", names[k].name, score_text(names[k].value));
    if (k < report.intervals.size() && report.intervals[k].interval) {
      text += fmt::format("   [{:.4f}, {:.4f}]", report.intervals[k].interval->low, report.intervals[k].interval->high);
    }
    text += "\n";
  }
  return text;
}

std::string confusion_text(const Scores& scores, int label) {
  const auto hardest = hardest_confusion(scores.confusion, label);
  if (!hardest) return "-";
  return fmt::format(
      "{} ({:.0f} %)", hardest->predicted,
      100.0 * static_cast<double>(hardest->count) / static_cast<double>(scores.confusion.labelled(label)));
}

std::string class_table(const Scores& scores) {
  std::string text = "  grade  samples  precision   recall       f1      auc  most often taken for\n";
  for (std::size_t cls = 0; cls < scores.classes.size(); ++cls) {
    const ClassScores& row = scores.classes[cls];
    text += fmt::format("  {:>5}  {:>7}  {:>9.4f} {:>8.4f} {:>8.4f} {:>8}  {}\n", cls, row.sample_count, row.precision,
                        row.recall, row.f1, score_text(row.auc), confusion_text(scores, static_cast<int>(cls)));
  }
  return text;
}

std::string confusion_table(const ConfusionMatrix& matrix) {
  std::string text = "  true \\ predicted";
  for (int guess = 0; guess < matrix.class_count(); ++guess) text += fmt::format(" {:>6}", guess);
  text += "\n";
  for (int label = 0; label < matrix.class_count(); ++label) {
    text += fmt::format("  {:>16}", label);
    for (int guess = 0; guess < matrix.class_count(); ++guess) text += fmt::format(" {:>6}", matrix.at(label, guess));
    text += "\n";
  }
  return text;
}

}  // namespace

Report make_report(std::vector<Prediction> predictions, const BootstrapOptions& bootstrap) {
  Report report;
  report.scores = score(predictions);
  report.temperature = fit_temperature(predictions);
  report.scaled_calibration_error = expected_calibration_error(cross_scaled(predictions));
  report.bootstrap = bootstrap;
  if (bootstrap.replicates > 0) report.intervals = bootstrap_intervals(predictions, bootstrap);
  report.predictions = std::move(predictions);
  return report;
}

std::string report_text(const Report& report) {
  std::string text = fmt::format("{} on {}: {} samples\n", report.model, report.split, report.predictions.size());
  if (!report.intervals.empty()) {
    text += fmt::format("in brackets: {:g} % intervals, bootstrap over subjects, {} replicates, seed {}\n",
                        100 * report.bootstrap.confidence, report.bootstrap.replicates, report.bootstrap.seed);
  }
  if (report.test_touches) {
    text += fmt::format("this checkpoint has seen this test split {} time{}\n", *report.test_touches,
                        *report.test_touches == 1 ? "" : "s");
  }
  const std::string scaling =
      fmt::format("  {:<24} {:>8.4f}   temperature {:.3f} on all; error: fitted on the other half of the subjects\n",
                  "scaled_calibration_error", report.scaled_calibration_error, report.temperature);
  return text + summary_table(report) + scaling + "\n" + class_table(report.scores) + "\n" +
         confusion_table(report.scores.confusion);
}

std::string report_json(const Report& report) {
  nlohmann::ordered_json json = {{"checkpoint", report.checkpoint},
                                 {"model", report.model},
                                 {"split", report.split},
                                 {"samples", report.predictions.size()}};
  for (const NamedScore& named : summary(report.scores)) json["scores"][named.name] = score_json(named.value);
  json["temperature"] = report.temperature;
  json["scaled_calibration_error"] = report.scaled_calibration_error;
  if (report.test_touches) json["test_touches"] = *report.test_touches;
  if (!report.intervals.empty()) {
    json["bootstrap"] = {{"replicates", report.bootstrap.replicates},
                         {"confidence", report.bootstrap.confidence},
                         {"seed", report.bootstrap.seed},
                         {"cluster", "subject"}};
  }
  for (const NamedInterval& named : report.intervals) {
    json["intervals"][named.name] =
        named.interval ? nlohmann::ordered_json{named.interval->low, named.interval->high} : nullptr;
  }
  for (std::size_t cls = 0; cls < report.scores.classes.size(); ++cls) {
    const ClassScores& row = report.scores.classes[cls];
    const auto hardest = hardest_confusion(report.scores.confusion, static_cast<int>(cls));
    json["classes"].push_back({{"samples", row.sample_count},
                               {"precision", row.precision},
                               {"recall", row.recall},
                               {"f1", row.f1},
                               {"auc", score_json(row.auc)},
                               {"hardest_confusion", hardest ? nlohmann::ordered_json(hardest->predicted) : nullptr}});
  }
  const ConfusionMatrix& matrix = report.scores.confusion;
  for (int label = 0; label < matrix.class_count(); ++label) {
    nlohmann::ordered_json row;
    for (int guess = 0; guess < matrix.class_count(); ++guess) row.push_back(matrix.at(label, guess));
    json["confusion"].push_back(row);
  }
  return json.dump(2) + "\n";
}

std::string confusion_csv(const ConfusionMatrix& matrix) {
  std::vector<std::string> header = {"true"};
  for (int guess = 0; guess < matrix.class_count(); ++guess) header.push_back(fmt::format("predicted_{}", guess));
  std::string text = csv_line(header);
  for (int label = 0; label < matrix.class_count(); ++label) {
    std::vector<std::string> cells = {std::to_string(label)};
    for (int guess = 0; guess < matrix.class_count(); ++guess) cells.push_back(std::to_string(matrix.at(label, guess)));
    text += csv_line(cells);
  }
  return text;
}

void write_report(const Report& report, const std::filesystem::path& folder) {
  make_folders(folder);
  write_file_atomically(folder / "report.json", report_json(report));
  write_file_atomically(folder / "report.txt", report_text(report));
  write_file_atomically(folder / "confusion.csv", confusion_csv(report.scores.confusion));
  write_file_atomically(folder / "predictions.csv", predictions_csv(report.predictions));
}

}  // namespace genu::train
