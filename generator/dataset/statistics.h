// What a dataset turned out to be: counts, means and histograms of its manifest, read row by row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/kl_grade.h"
#include "generator/dataset/sample_plan.h"
#include "generator/projection/image.h"

namespace genu::generator {

inline constexpr std::size_t kHistogramBins = 40;

struct ColumnStatistics {
  std::string name;
  double least = 0;
  double most = 0;
  std::array<double, kKlGradeCount> sum{};
  std::array<double, kKlGradeCount> squares{};
  std::array<std::size_t, kKlGradeCount> above_zero{};
  std::array<std::array<std::size_t, kHistogramBins>, kKlGradeCount> histogram{};
};

// Two passes over the same rows: the first finds counts, means and ranges, the second fills the histograms. Sums are
// added in the order of the rows, so they come out alike for any number of threads.
class ManifestStatistics {
 public:
  ManifestStatistics();
  // `line` is one row of manifest.csv without its line feed. Throws InternalError if it has another number of cells.
  void add_first_pass(const std::string& line);
  void add_second_pass(const std::string& line);

  std::size_t size() const;
  std::size_t count(Split split, KlGrade grade) const;
  std::size_t count(KlGrade grade) const;
  // Numeric columns in the manifest's order. `seed` is left out.
  const std::vector<ColumnStatistics>& columns() const { return columns_; }
  // Throws InternalError for a name that is not there.
  const ColumnStatistics& column(const std::string& name) const;
  double mean(const std::string& name, KlGrade grade) const;
  // Share of the grade's rows where column `text` reads `value`.
  double share_of_text(const std::string& text, const std::string& value, KlGrade grade) const;
  double share_read_alike(KlGrade grade) const;

 private:
  std::vector<std::size_t> positions_;  // of columns_ in a row
  std::vector<ColumnStatistics> columns_;
  std::array<std::array<std::size_t, kKlGradeCount>, kSplitCount> images_{};
  std::array<std::size_t, kKlGradeCount> women_{}, right_{}, read_alike_{};
};

// Small multiples: one cell a column, in it one histogram a grade.
Image<std::uint8_t> draw_histograms(const ManifestStatistics& statistics);

}  // namespace genu::generator
