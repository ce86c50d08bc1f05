#include "cli/report_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/csv.h"
#include "core/files.h"
#include "plot/chart.h"
#include "plot/matrix.h"
#include "train/metrics/calibration.h"
#include "train/metrics/roc.h"

namespace genu::cli {

namespace {

using plot::Chart;
using plot::Series;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

void write_png(const std::filesystem::path& path, const PngImage& image) {
  const auto bytes = encode_png(image, 6);
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

Series diagonal(const std::string& name) {
  return {.name = name, .x = {0, 1}, .y = {0, 1}, .style = Series::Style::kDashed};
}

Chart reliability(const std::vector<train::Prediction>& predictions, const std::string& title) {
  Series share{.name = "share of the images", .style = Series::Style::kBars, .colour = 5};
  Series right{.name = "right among them", .style = Series::Style::kLineAndDots, .colour = 0};
  const auto bins = train::reliability_bins(predictions);
  share.bar_width = 1.0 / static_cast<double>(bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    share.x.push_back((static_cast<double>(i) + 0.5) * share.bar_width);
    share.y.push_back(static_cast<double>(bins[i].count) / static_cast<double>(predictions.size()));
    if (bins[i].count == 0) continue;
    right.x.push_back(bins[i].mean_probability);
    right.y.push_back(bins[i].accuracy);
  }
  return {.title = title,
          .x = {.label = "probability of the predicted grade", .low = 0, .high = 1},
          .y = {.label = "share", .low = 0, .high = 1},
          .series = {share, diagonal("as promised"), right},
          .legend = Chart::Legend::kTopLeft};
}

Chart roc(const train::Report& report) {
  Chart chart{.title = fmt::format("Each grade against the rest, {}", report.split),
              .x = {.label = "false positive rate", .low = 0, .high = 1},
              .y = {.label = "true positive rate", .low = 0, .high = 1},
              .series = {diagonal("")},
              .legend = Chart::Legend::kBottomRight};
  for (std::size_t grade = 0; grade < report.scores.classes.size(); ++grade) {
    const auto& area = report.scores.classes[grade].auc;
    if (!area) continue;
    Series series{.name = fmt::format("KL {}, area {:.3f}", grade, *area), .colour = grade};
    for (const train::RocPoint& point : train::roc_curve(report.predictions, static_cast<int>(grade))) {
      series.x.push_back(point.false_positive_rate);
      series.y.push_back(point.true_positive_rate);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

plot::Matrix confusion(const train::Report& report) {
  const train::ConfusionMatrix& counts = report.scores.confusion;
  plot::Matrix matrix{.title = fmt::format("{} on {}: {} images, accuracy {:.3f}", report.model, report.split,
                                           counts.total(), report.scores.accuracy),
                      .row_label = "true grade",
                      .column_label = "predicted grade",
                      .names = {},
                      .counts = {}};
  for (int label = 0; label < counts.class_count(); ++label) {
    matrix.names.push_back(fmt::format("KL {}", label));
    auto& row = matrix.counts.emplace_back();
    for (int guess = 0; guess < counts.class_count(); ++guess) row.push_back(counts.at(label, guess));
  }
  return matrix;
}

}  // namespace

void write_report_plots(const train::Report& report, const std::filesystem::path& folder) {
  write_png(folder / "confusion.png", plot::draw_matrix(confusion(report)));
  write_png(folder / "roc.png", plot::draw_charts({roc(report)}));
  write_png(folder / "reliability.png",
            plot::draw_charts(
                {reliability(report.predictions,
                             fmt::format("As given: calibration error {:.3f}", report.scores.calibration_error)),
                 reliability(train::cross_scaled(report.predictions),
                             fmt::format("After temperature scaling: {:.3f}", report.scaled_calibration_error))}));
}

void write_training_curves(const std::filesystem::path& metrics, const std::filesystem::path& folder) {
  const CsvTable table = CsvTable::read(metrics);
  const auto series = [&](const std::string& column, const std::string& name, std::size_t colour) {
    constexpr std::size_t kMostDots = 30;
    Series out{.name = name,
               .style = table.size() <= kMostDots ? Series::Style::kLineAndDots : Series::Style::kLine,
               .colour = colour};
    const std::size_t at = table.column(column), epoch = table.column("epoch");
    bool known = false;
    for (std::size_t row = 0; row < table.size(); ++row) {
      out.x.push_back(table.number(row, epoch));
      out.y.push_back(table.cell(row, at).empty() ? kNothing : table.number(row, at));
      known = known || !table.cell(row, at).empty();
    }
    if (!known) out = {};
    return out;
  };
  const plot::Axis epochs{.label = "epoch", .ticks = plot::Axis::Ticks::kWhole};
  std::vector<Chart> charts = {
      {.title = "Loss",
       .x = epochs,
       .y = {.label = "loss"},
       .series = {series("train_loss", "training loss", 0), series("val_log_loss", "validation log loss", 1)}}};
  Chart scores;
  scores.title = "Validation scores";
  scores.x = epochs;
  scores.y.label = "score";
  scores.series = {series("val_quadratic_kappa", "quadratic kappa", 0), series("val_accuracy", "accuracy", 1),
                   series("val_balanced_accuracy", "balanced accuracy", 2)};
  scores.legend = Chart::Legend::kBottomRight;
  const bool validated =
      std::any_of(scores.series.begin(), scores.series.end(), [](const Series& one) { return !one.name.empty(); });
  if (validated) charts.push_back(std::move(scores));
  write_png(folder / "curves.png", plot::draw_charts(charts));
}

}  // namespace genu::cli
