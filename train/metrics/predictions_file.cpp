#include "train/metrics/predictions_file.h"

#include <fmt/format.h>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"

namespace genu::train {

std::string predictions_csv(const std::vector<Prediction>& predictions) {
  std::vector<std::string> header = {"sample_id", "subject", "kl", "predicted"};
  const std::size_t class_count = predictions.empty() ? 0 : predictions.front().probabilities.size();
  for (std::size_t cls = 0; cls < class_count; ++cls) header.push_back(fmt::format("p{}", cls));
  std::string text = csv_line(header);
  for (const Prediction& row : predictions) {
    std::vector<std::string> cells = {row.sample_id, row.subject, std::to_string(row.label),
                                      std::to_string(row.predicted())};
    for (const double probability : row.probabilities) cells.push_back(fmt::format("{:.9g}", probability));
    text += csv_line(cells);
  }
  return text;
}

std::vector<Prediction> parse_predictions(std::string_view text, const std::string& origin) {
  const CsvTable table = CsvTable::parse(text, origin);
  const std::size_t sample_id = table.column("sample_id"), subject = table.column("subject"), kl = table.column("kl");
  std::vector<std::size_t> probabilities = {table.column("p0"), table.column("p1")};
  while (const auto next = table.find_column(fmt::format("p{}", probabilities.size()))) probabilities.push_back(*next);
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < table.size(); ++i) {
    Prediction row{table.cell(i, sample_id),
                   table.cell(i, subject),
                   table.integer(i, kl, 0, static_cast<int>(probabilities.size()) - 1),
                   {}};
    for (const std::size_t column : probabilities) {
      const double p = table.number(i, column);
      if (!(p >= 0 && p <= 1.000001)) {
        throw DataError(fmt::format("{}: column '{}' must lie in 0 .. 1, got {}; write the file with genu evaluate",
                                    table.place(i), table.columns()[column], table.cell(i, column)));
      }
      row.probabilities.push_back(p);
    }
    predictions.push_back(std::move(row));
  }
  if (predictions.empty()) throw DataError(origin + ": no predictions; write the file with genu evaluate");
  return predictions;
}

std::vector<Prediction> read_predictions(const std::filesystem::path& path) {
  return parse_predictions(read_text_file(path), path.string());
}

}  // namespace genu::train
