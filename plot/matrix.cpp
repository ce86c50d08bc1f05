#include "plot/matrix.h"

#include <fmt/format.h>

#include <numeric>

#include "plot/pen.h"

namespace genu::plot {

namespace {

// White to dark blue.
Colour shade(double share) {
  constexpr Colour kDark = {0.03, 0.25, 0.47};
  Colour out{};
  for (std::size_t c = 0; c < 3; ++c) out[c] = 1 - share * (1 - kDark[c]);
  return out;
}

}  // namespace

PngImage draw_matrix(const Matrix& matrix) {
  constexpr int kWidth = 720, kHeight = 640;
  constexpr double kLeft = 110, kTop = 60, kSide = 500, kBarLeft = 636, kBarWidth = 18;
  Pen pen(kWidth, kHeight);
  const auto n = static_cast<double>(matrix.names.size());
  const double cell = kSide / n;
  for (std::size_t row = 0; row < matrix.names.size(); ++row) {
    const auto total = std::accumulate(matrix.counts[row].begin(), matrix.counts[row].end(), std::int64_t{0});
    const double y = kTop + cell * static_cast<double>(row);
    for (std::size_t column = 0; column < matrix.names.size(); ++column) {
      const std::int64_t count = matrix.counts[row][column];
      const double share = total > 0 ? static_cast<double>(count) / static_cast<double>(total) : 0.0;
      const double x = kLeft + cell * static_cast<double>(column);
      pen.rectangle(x + 1, y + 1, cell - 2, cell - 2, shade(share));
      const Colour ink = share > 0.5 ? Colour{1, 1, 1} : kInk;
      pen.text(fmt::format("{}", count), x + cell / 2, y + cell / 2 - 10, 20, Align::kCentre, ink, Pen::Weight::kBold);
      pen.text(total > 0 ? fmt::format("{:.0f} %", 100 * share) : "-", x + cell / 2, y + cell / 2 + 14, 14,
               Align::kCentre, ink);
    }
    pen.text(matrix.names[row], kLeft - 14, y + cell / 2, 17, Align::kRight);
    pen.text(matrix.names[row], kLeft + cell * (static_cast<double>(row) + 0.5), kTop + kSide + 18, 17, Align::kCentre);
  }
  const double right = kLeft + kSide, bottom = kTop + kSide;
  pen.line(kLeft, kTop, right, kTop, kGrey, {});
  pen.line(kLeft, bottom, right, bottom, kGrey, {});
  pen.line(kLeft, kTop, kLeft, bottom, kGrey, {});
  pen.line(right, kTop, right, bottom, kGrey, {});
  pen.text(matrix.title, kLeft + kSide / 2, kTop / 2, 19, Align::kCentre, kInk, Pen::Weight::kBold);
  pen.text(matrix.column_label, kLeft + kSide / 2, bottom + 50, 17, Align::kCentre);
  pen.upward_text(matrix.row_label, kLeft - 72, kTop + kSide / 2, 17);
  for (int i = 0; i < 100; ++i)
    pen.rectangle(kBarLeft, bottom - (i + 1) * kSide / 100, kBarWidth, kSide / 100 + 0.5, shade((i + 0.5) / 100));
  for (int percent = 0; percent <= 100; percent += 25) {
    pen.text(fmt::format("{} %", percent), kBarLeft + kBarWidth + 6, bottom - percent * kSide / 100, 13, Align::kLeft);
  }
  return pen.picture();
}

}  // namespace genu::plot
