#include "generator/projection/signed_distance.h"

#include <algorithm>
#include <cmath>

namespace genu::generator {

namespace {

struct Segment {
  float ax, ay, dx, dy, inverse_squared;
};

// Lowers the squared distances of one row to those from a segment.
void lower_row(const Segment& s, float y, int left, int right, float* row) {
  const float ey0 = y - s.ay;
  for (int x = left; x < right; ++x) {
    const float ex = static_cast<float>(x) + 0.5f - s.ax;
    const float t = std::min(std::max((ex * s.dx + ey0 * s.dy) * s.inverse_squared, 0.0f), 1.0f);
    const float rx = ex - t * s.dx;
    const float ry = ey0 - t * s.dy;
    row[x] = std::min(row[x], rx * rx + ry * ry);
  }
}

void add_segment(const PointMm& a, const PointMm& b, double band_px, const PixelBox& box, Image<float>& squared) {
  const int left = std::max(box.left, static_cast<int>(std::floor(std::min(a.x, b.x) - band_px)));
  const int right = std::min(box.right, static_cast<int>(std::ceil(std::max(a.x, b.x) + band_px)));
  const int top = std::max(box.top, static_cast<int>(std::floor(std::min(a.y, b.y) - band_px)));
  const int bottom = std::min(box.bottom, static_cast<int>(std::ceil(std::max(a.y, b.y) + band_px)));
  if (left >= right || top >= bottom) return;
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length_squared = dx * dx + dy * dy;
  const Segment segment{static_cast<float>(a.x), static_cast<float>(a.y), static_cast<float>(dx),
                        static_cast<float>(dy), static_cast<float>(length_squared > 0 ? 1 / length_squared : 0)};
  for (int y = top; y < bottom; ++y) lower_row(segment, static_cast<float>(y) + 0.5f, left, right, squared.row(y));
}

// Turns squared distances into signed ones, row by row, with the crossings of each row's centre line.
void sign_rows(const Contour& contour, double band_px, const PixelBox& box, Image<float>& distance) {
  const auto rows = static_cast<std::size_t>(box.bottom - box.top);
  std::vector<std::vector<float>> crossings(rows);
  for (std::size_t i = 0; i < contour.size(); ++i) {
    const PointMm& a = contour[i];
    const PointMm& b = contour[(i + 1) % contour.size()];
    if (a.y == b.y) continue;
    const PointMm& upper = a.y < b.y ? a : b;
    const PointMm& lower = a.y < b.y ? b : a;
    // Row centres y + 0.5 in [upper.y, lower.y).
    const int first = std::max(box.top, static_cast<int>(std::ceil(upper.y - 0.5)));
    const int last = std::min(box.bottom, static_cast<int>(std::ceil(lower.y - 0.5)));
    for (int y = first; y < last; ++y) {
      const double t = (y + 0.5 - upper.y) / (lower.y - upper.y);
      crossings[static_cast<std::size_t>(y - box.top)].push_back(static_cast<float>(upper.x + t * (lower.x - upper.x)));
    }
  }
  const auto limit = static_cast<float>(band_px);
  for (int y = box.top; y < box.bottom; ++y) {
    auto& row_crossings = crossings[static_cast<std::size_t>(y - box.top)];
    std::sort(row_crossings.begin(), row_crossings.end());
    float* row = distance.row(y);
    int x = box.left;
    float sign = -1;
    for (std::size_t k = 0; k <= row_crossings.size(); ++k) {
      int end = box.right;
      if (k < row_crossings.size()) {
        // First pixel whose centre lies beyond the crossing.
        end = std::clamp(static_cast<int>(std::ceil(row_crossings[k] - 0.5f)), box.left, box.right);
      }
      for (; x < end; ++x) row[x] = sign * std::min(std::sqrt(row[x]), limit);
      sign = -sign;
    }
  }
}

}  // namespace

PixelBox box_around(const Contour& contour_px, double margin_px, int width_px, int height_px) {
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const PointMm& p : contour_px) {
    left = std::min(left, p.x);
    right = std::max(right, p.x);
    top = std::min(top, p.y);
    bottom = std::max(bottom, p.y);
  }
  const auto held = [](double v, int high) { return static_cast<int>(std::clamp(v, 0.0, static_cast<double>(high))); };
  return {held(std::floor(left - margin_px), width_px), held(std::floor(top - margin_px), height_px),
          held(std::ceil(right + margin_px), width_px), held(std::ceil(bottom + margin_px), height_px)};
}

void signed_distance_px(const Contour& contour_px, double band_px, const PixelBox& box, Image<float>& out) {
  if (box.empty()) return;
  const auto far = static_cast<float>(band_px * band_px);
  for (int y = box.top; y < box.bottom; ++y) std::fill(out.row(y) + box.left, out.row(y) + box.right, far);
  for (std::size_t i = 0; i < contour_px.size(); ++i) {
    add_segment(contour_px[i], contour_px[(i + 1) % contour_px.size()], band_px, box, out);
  }
  sign_rows(contour_px, band_px, box, out);
}

}  // namespace genu::generator
