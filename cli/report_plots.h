// The charts of an evaluation report.
#pragma once

#include <filesystem>
#include <string>

#include "train/metrics/report.h"

namespace genu::cli {

// confusion.png, reliability.png (before and after temperature scaling) and roc.png (each grade against the rest) in
// `folder`. Throws IoError.
void write_report_plots(const train::Report& report, const std::filesystem::path& folder);

// curves.png: the loss and the validation scores of each epoch in `metrics`, a checkpoint's metrics.csv.
void write_training_curves(const std::filesystem::path& metrics, const std::filesystem::path& folder);

}  // namespace genu::cli
