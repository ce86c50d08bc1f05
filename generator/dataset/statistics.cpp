#include "generator/dataset/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/errors.h"
#include "generator/dataset/bitmap_font.h"
#include "generator/dataset/manifest.h"

namespace genu::generator {

namespace {

// No cell of a manifest holds a comma or a quote.
std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    if (end == line.size()) break;
    begin = end + 1;
  }
  if (cells.size() != manifest_columns().size()) throw InternalError("a manifest row has a wrong number of cells");
  return cells;
}

double number_of(std::string_view cell) {
  double value = 0;
  std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return value;
}

std::size_t position_of(const std::string& name) {
  const auto& columns = manifest_columns();
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const ManifestColumn& c) { return c.name == name; });
  if (found == columns.end()) throw InternalError("the manifest has no column " + name);
  return static_cast<std::size_t>(found - columns.begin());
}

std::size_t grade_of(const std::vector<std::string_view>& cells) {
  static const std::size_t kl = position_of("kl");
  return static_cast<std::size_t>(number_of(cells[kl]));
}

}  // namespace

ManifestStatistics::ManifestStatistics() {
  const auto& columns = manifest_columns();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].kind != ColumnKind::kNumber || columns[i].name == "seed") continue;
    positions_.push_back(i);
    columns_.push_back({.name = columns[i].name,
                        .least = std::numeric_limits<double>::infinity(),
                        .most = -std::numeric_limits<double>::infinity()});
  }
}

void ManifestStatistics::add_first_pass(const std::string& line) {
  static const std::size_t split = position_of("split"), sex = position_of("sex"), side = position_of("side"),
                           kl = position_of("kl"), read = position_of("kl_read");
  const auto cells = cells_of(line);
  const std::size_t grade = grade_of(cells);
  for (const Split s : kSplits) {
    if (cells[split] == to_string(s)) ++images_[static_cast<std::size_t>(s)][grade];
  }
  women_[grade] += cells[sex] == "F" ? 1u : 0u;
  right_[grade] += cells[side] == "R" ? 1u : 0u;
  read_alike_[grade] += cells[kl] == cells[read] ? 1u : 0u;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const double value = number_of(cells[positions_[i]]);
    ColumnStatistics& column = columns_[i];
    column.least = std::min(column.least, value);
    column.most = std::max(column.most, value);
    column.sum[grade] += value;
    column.squares[grade] += value * value;
    column.above_zero[grade] += value > 0 ? 1u : 0u;
  }
}

void ManifestStatistics::add_second_pass(const std::string& line) {
  const auto cells = cells_of(line);
  const std::size_t grade = grade_of(cells);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    ColumnStatistics& column = columns_[i];
    const double range = column.most - column.least;
    const double share = range > 0 ? (number_of(cells[positions_[i]]) - column.least) / range : 0.5;
    const auto bin = static_cast<std::size_t>(share * kHistogramBins);
    ++column.histogram[grade][std::min(bin, kHistogramBins - 1)];
  }
}

std::size_t ManifestStatistics::count(Split split, KlGrade grade) const {
  return images_[static_cast<std::size_t>(split)][static_cast<std::size_t>(grade.value())];
}

std::size_t ManifestStatistics::count(KlGrade grade) const {
  std::size_t total = 0;
  for (const Split split : kSplits) total += count(split, grade);
  return total;
}

std::size_t ManifestStatistics::size() const {
  std::size_t total = 0;
  for (int grade = 0; grade < kKlGradeCount; ++grade) total += count(KlGrade(grade));
  return total;
}

const ColumnStatistics& ManifestStatistics::column(const std::string& name) const {
  for (const ColumnStatistics& column : columns_) {
    if (column.name == name) return column;
  }
  throw InternalError("the manifest has no number " + name);
}

double ManifestStatistics::mean(const std::string& name, KlGrade grade) const {
  const std::size_t n = count(grade);
  return n == 0 ? 0 : column(name).sum[static_cast<std::size_t>(grade.value())] / static_cast<double>(n);
}

double ManifestStatistics::share_of_text(const std::string& text, const std::string& value, KlGrade grade) const {
  const auto g = static_cast<std::size_t>(grade.value());
  const std::size_t n = count(grade);
  if (n == 0) return 0;
  if (text == "sex" && value == "F") return static_cast<double>(women_[g]) / static_cast<double>(n);
  if (text == "side" && value == "R") return static_cast<double>(right_[g]) / static_cast<double>(n);
  throw InternalError("no share is kept of " + text + " " + value);
}

double ManifestStatistics::share_read_alike(KlGrade grade) const {
  const std::size_t n = count(grade);
  return n == 0 ? 0
                : static_cast<double>(read_alike_[static_cast<std::size_t>(grade.value())]) / static_cast<double>(n);
}

Image<std::uint8_t> draw_histograms(const ManifestStatistics& statistics) {
  constexpr int kAcross = 5, kBarPx = 5, kRowPx = 22, kLeftPx = 14, kTopPx = 14, kBottomPx = 14;
  constexpr int kCellWidth = kLeftPx + static_cast<int>(kHistogramBins) * kBarPx + 10;
  constexpr int kCellHeight = kTopPx + kKlGradeCount * kRowPx + kBottomPx;
  const auto& columns = statistics.columns();
  const int down = (static_cast<int>(columns.size()) + kAcross - 1) / kAcross;
  Image<std::uint8_t> sheet(kAcross * kCellWidth, down * kCellHeight, 255);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const ColumnStatistics& column = columns[c];
    const int left = static_cast<int>(c) % kAcross * kCellWidth, top = static_cast<int>(c) / kAcross * kCellHeight;
    draw_text(column.name, left + kLeftPx, top + 3, 1, 0, sheet);
    for (int grade = 0; grade < kKlGradeCount; ++grade) {
      const auto& bins = column.histogram[static_cast<std::size_t>(grade)];
      const std::size_t tallest = std::max<std::size_t>(1, *std::max_element(bins.begin(), bins.end()));
      const int floor = top + kTopPx + (grade + 1) * kRowPx - 2;
      draw_text(std::to_string(grade), left + 4, floor - 8, 1, 90, sheet);
      for (std::size_t bin = 0; bin < kHistogramBins; ++bin) {
        const int height = static_cast<int>((bins[bin] * (kRowPx - 4) + tallest - 1) / tallest);
        for (int y = floor - height; y <= floor; ++y) {
          for (int x = 0; x < kBarPx - 1; ++x) {
            sheet.at(left + kLeftPx + static_cast<int>(bin) * kBarPx + x, y) = y == floor ? 200 : 60;
          }
        }
      }
    }
    const int foot = top + kTopPx + kKlGradeCount * kRowPx + 3;
    const std::string high = fmt::format("{:.4g}", column.most);
    draw_text(fmt::format("{:.4g}", column.least), left + kLeftPx, foot, 1, 90, sheet);
    draw_text(high, left + kCellWidth - 10 - text_width(high, 1), foot, 1, 90, sheet);
  }
  return sheet;
}

}  // namespace genu::generator
