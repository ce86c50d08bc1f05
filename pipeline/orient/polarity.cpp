#include "pipeline/orient/polarity.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "pipeline/augment/resize.h"

namespace genu::pipeline {

namespace {

constexpr std::size_t kSide = kPolaritySidePx;
using Thumbnail = std::array<double, kSide * kSide>;

// Rounded mean grey levels of righted films down and across the 224 px crop (published summary of the Mendeley
// training part: columns at x = 60 and 112, rows at y = 100 and 170), filled in by hand between. Across: the left half;
// the right half mirrors it, so that either side of the body fits.
constexpr std::array<double, 6> kRows_px = {0, 100, 131, 148, 170, 223};
constexpr std::array<double, 4> kColumns_px = {0, 30, 60, 111.5};
constexpr std::array<std::array<double, 4>, 6> kMeanGrey = {{
    {85, 125, 160, 190},  // femoral shaft
    {96, 170, 189, 165},  // condyles, notch
    {90, 145, 163, 177},  // joint space, spines
    {85, 158, 177, 177},  // tibial plate
    {84, 139, 163, 166},  // tibial metaphysis
    {75, 105, 145, 160},  // tibial shaft
}};

struct Position {
  std::size_t before = 0;  // index of the knot before
  double part = 0;         // way to the next one, 0..1
};

template <std::size_t N>
Position locate(const std::array<double, N>& knots, double at) {
  std::size_t k = 0;
  while (k + 2 < N && knots[k + 1] <= at) ++k;
  return {k, (at - knots[k]) / (knots[k + 1] - knots[k])};
}

double mean_grey_at(double x_px, double y_px) {
  const Position column = locate(kColumns_px, x_px <= 111.5 ? x_px : 223.0 - x_px);
  const Position row = locate(kRows_px, y_px);
  const auto across = [&](std::size_t r) {
    return kMeanGrey[r][column.before] * (1 - column.part) + kMeanGrey[r][column.before + 1] * column.part;
  };
  return across(row.before) * (1 - row.part) + across(row.before + 1) * row.part;
}

// Zero mean, unit sum of squares.
Thumbnail make_template() {
  Thumbnail thumbnail{};
  double sum = 0;
  for (std::size_t y = 0; y < kSide; ++y) {
    for (std::size_t x = 0; x < kSide; ++x) {
      const auto centre = [](std::size_t i) { return (static_cast<double>(i) + 0.5) * 224.0 / kPolaritySidePx - 0.5; };
      thumbnail[y * kSide + x] = mean_grey_at(centre(x), centre(y));
      sum += thumbnail[y * kSide + x];
    }
  }
  double squares = 0;
  for (double& value : thumbnail) {
    value -= sum / static_cast<double>(thumbnail.size());
    squares += value * value;
  }
  for (double& value : thumbnail) value /= std::sqrt(squares);
  return thumbnail;
}

}  // namespace

double knee_polarity(const GreyView& image) {
  static const Thumbnail knee = make_template();
  std::array<std::uint8_t, kSide * kSide> thumbnail{};
  resize_grey(image, kPolaritySidePx, kPolaritySidePx, thumbnail);
  double sum = 0;
  double squares = 0;
  double product = 0;
  for (std::size_t i = 0; i < thumbnail.size(); ++i) {
    const double grey = thumbnail[i];
    sum += grey;
    squares += grey * grey;
    product += grey * knee[i];
  }
  const double spread = squares - sum * sum / static_cast<double>(thumbnail.size());
  return spread > 0 ? product / std::sqrt(spread) : 0.0;
}

}  // namespace genu::pipeline
