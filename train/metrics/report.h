// The metric report of one evaluation: text for people, JSON and CSV for machines.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/metrics/bootstrap.h"
#include "train/metrics/scores.h"

namespace genu::train {

struct Report {
  std::string checkpoint;  // folder
  std::string model;
  std::string split;
  Scores scores;
  BootstrapOptions bootstrap;
  double temperature = 1;                // with the least log loss on these very predictions
  double scaled_calibration_error = 0;   // after temperature scaling, fitted on the other half of the subjects
  std::optional<int> test_touches;       // how often this checkpoint has been shown this test split, this time included
  std::vector<NamedInterval> intervals;  // as summary(scores); empty where none were asked for
  std::vector<Prediction> predictions;
};

// Scores the predictions and, with replicates > 0, adds intervals.
Report make_report(std::vector<Prediction> predictions, const BootstrapOptions& bootstrap);

// Tables of the summary with intervals, of each class, and of the confusion counts.
std::string report_text(const Report& report);
std::string report_json(const Report& report);
// Rows true, columns predicted.
std::string confusion_csv(const ConfusionMatrix& matrix);

// report.json, predictions.csv, confusion.csv and report.txt in `folder`, which is made; predictions.csv comes last:
// where it is, the others are. Throws IoError.
void write_report(const Report& report, const std::filesystem::path& folder);

}  // namespace genu::train
