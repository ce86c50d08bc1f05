#include "generator/projection/signed_distance.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "generator/projection/lanes.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

// The nearest point of a polyline is either the foot of a perpendicular onto a segment, and then the pixel lies in the
// slab between the perpendiculars at the segment's ends; or a vertex, and then it lies in the wedge beyond the one
// segment's end and before the next one's beginning. So each segment is measured from its slab and its wedge alone,
// row by row: the work grows with the band's area and not with the number of segments times it.

// Widens slabs and wedges against rounding. Measuring a pixel too many changes nothing.
constexpr double kSlackPx = 0.01;

struct Segment {
  float ax, ay, dx, dy, inverse_squared;
};

struct Interval {
  double low;
  double high;
};

// Where low <= p x + q y + r <= high, for p and q of a unit vector: between two lines x = left + slope y and
// x = right + slope y, or, where they are level, between two rows.
struct Stripe {
  double slope = 0, left = -1e9, right = 1e9;
  Interval rows{-1e9, 1e9};

  Stripe(double p, double q, double r, double low, double high) {
    if (std::abs(p) < 1e-9) {
      rows = {(low - r) / q, (high - r) / q};
      if (rows.low > rows.high) std::swap(rows.low, rows.high);
      return;
    }
    const double inverse = 1 / p;
    slope = -q * inverse;
    left = (low - r) * inverse;
    right = (high - r) * inverse;
    if (left > right) std::swap(left, right);
  }
};

Interval common(const Interval& a, const Interval& b) { return {std::max(a.low, b.low), std::min(a.high, b.high)}; }

// One directed side of the contour.
struct Side {
  PointMm a, b;
  double length;
  double ux, uy;  // unit vector from a to b
  Side(const PointMm& from, const PointMm& to)
      : a(from),
        b(to),
        length(std::sqrt((to.x - from.x) * (to.x - from.x) + (to.y - from.y) * (to.y - from.y))),
        ux((to.x - from.x) / length),
        uy((to.y - from.y) / length) {}
  // Limits along the side from its beginning, and across it towards (-uy, ux).
  Stripe along(double low, double high) const { return {ux, uy, -(ux * a.x + uy * a.y), low, high}; }
  Stripe across(double low, double high) const { return {-uy, ux, uy * a.x - ux * a.y, low, high}; }
};

class BandPainter {
 public:
  // `twice_area` > 0: the inside lies towards (-uy, ux) of each side, here called its left.
  BandPainter(const PixelBox& box, const DistanceBand& band, double twice_area, DistanceWorkspace& work,
              std::vector<RowSpan>& spans)
      : box_(box),
        stride_(static_cast<std::size_t>(box.right - box.left) + kLanes - 1),
        left_band_(twice_area > 0 ? band.inside_px : band.outside_px),
        right_band_(twice_area > 0 ? band.outside_px : band.inside_px),
        squared_(work.squared),
        columns_(work.columns),
        spans_(spans) {
    const double far = std::max(band.inside_px, band.outside_px);
    columns_.resize(static_cast<std::size_t>(box.bottom - box.top));
    squared_.assign(stride_ * static_cast<std::size_t>(box.bottom - box.top), static_cast<float>(far * far));
  }

  void add(const Side& side, const Side& next) {
    const double dx = side.b.x - side.a.x, dy = side.b.y - side.a.y;
    const Segment segment{static_cast<float>(side.a.x), static_cast<float>(side.a.y), static_cast<float>(dx),
                          static_cast<float>(dy), static_cast<float>(1 / (dx * dx + dy * dy))};
    add_slab(side, segment);
    add_wedge(side, next, segment);
  }

  const float* row(int y) const { return squared_.data() + static_cast<std::size_t>(y - box_.top) * stride_; }

 private:
  void add_slab(const Side& side, const Segment& segment) {
    const double ny = side.ux;
    const auto [low, high] = std::minmax({side.a.y + left_band_ * ny, side.a.y - right_band_ * ny,
                                          side.b.y + left_band_ * ny, side.b.y - right_band_ * ny});
    paint(segment, {low, high}, side.along(-kSlackPx, side.length + kSlackPx),
          side.across(-right_band_ - kSlackPx, left_band_ + kSlackPx), {-1e9, 1e9});
  }

  // Beyond the end of `side` and before the beginning of `next`: on the left of a corner that turns right, and the
  // other way round.
  void add_wedge(const Side& side, const Side& next, const Segment& segment) {
    const double sine = side.ux * next.uy - side.uy * next.ux;
    const double cosine = side.ux * next.ux + side.uy * next.uy;
    const double sign = sine > 0 ? -1 : 1;
    const double band = sine > 0 ? right_band_ : left_band_;
    const PointMm& corner = side.b;
    double reach = band;
    Interval rows{corner.y - band, corner.y + band};
    if (cosine > 0.5) {
      // The sector lies in the triangle of the corner and two points on its sides.
      reach = band / std::sqrt(0.5 * (1 + cosine));
      const double y0 = corner.y + sign * reach * side.ux, y1 = corner.y + sign * reach * next.ux;
      rows = {std::min({corner.y, y0, y1}), std::max({corner.y, y0, y1})};
    }
    paint(segment, rows, side.along(side.length - kSlackPx, 1e9), next.along(-1e9, kSlackPx),
          {corner.x - reach, corner.x + reach});
  }

  void paint(const Segment& segment, const Interval& rows, const Stripe& one, const Stripe& other,
             const Interval& columns) {
    const Interval reach = common(rows, common(one.rows, other.rows));
    const auto row_at = [&](double y) { return static_cast<int>(std::floor(std::clamp(y, -1e6, 1e6) - 0.5)); };
    const int top = std::max(box_.top, row_at(reach.low)), bottom = std::min(box_.bottom, row_at(reach.high) + 2);
    find_columns(top, bottom, one, other, columns);
    for (int y = top; y < bottom; ++y) {
      const RowSpan& found = columns_[static_cast<std::size_t>(y - box_.top)];
      if (found.left >= found.right) continue;
      RowSpan& span = spans_[static_cast<std::size_t>(y - box_.top)];
      span.left = std::min(span.left, found.left);
      span.right = std::max(span.right, found.right);
      lower(segment, static_cast<float>(y) + 0.5f, found.left, found.right,
            squared_.data() + static_cast<std::size_t>(y - box_.top) * stride_);
    }
  }

  // The pixels of rows [top, bottom) whose centres lie in both stripes and between the columns; none where left >=
  // right.
  void find_columns(int top, int bottom, const Stripe& one_given, const Stripe& other_given, const Interval& between) {
    const Stripe one = one_given, other = other_given;
    const double low = between.low, high = between.high;
    const double left_edge = box_.left, right_edge = box_.right;
    RowSpan* found = columns_.data() - box_.top;
    for (int y = top; y < bottom; ++y) {
      const double centre = y + 0.5;
      const double one_x = one.slope * centre, other_x = other.slope * centre;
      const double first = larger(larger(one.left + one_x, other.left + other_x), low);
      const double last = smaller(smaller(one.right + one_x, other.right + other_x), high);
      found[y].left = static_cast<int>(std::ceil(smaller(larger(first - 0.5, left_edge), right_edge)));
      found[y].right = static_cast<int>(std::floor(smaller(larger(last + 0.5, left_edge), right_edge)));
    }
  }

  // Lowers the squared distances of whole lanes from `left` on to those from a segment.
  void lower(const Segment& s, float y, int left, int right, float* row) const {
    const float ey = y - s.ay, along_y = ey * s.dy;
    const Floats ax = all_lanes(s.ax), dx = all_lanes(s.dx), dy = all_lanes(s.dy);
    for (int x = left; x < right; x += kLanes) {
      float* lanes = row + (x - box_.left);
      const Floats ex = (static_cast<float>(x) + 0.5f + lane_numbers()) - ax;
      const Floats t = smaller(larger((ex * dx + along_y) * s.inverse_squared, 0.0f), 1.0f);
      const Floats rx = ex - t * dx;
      const Floats ry = ey - t * dy;
      store_lanes(smaller(load_lanes(lanes), rx * rx + ry * ry), lanes);
    }
  }

  PixelBox box_;
  std::size_t stride_;
  double left_band_, right_band_;
  std::vector<float>& squared_;
  std::vector<RowSpan>& columns_;
  std::vector<RowSpan>& spans_;
};

// The contour without points that repeat their predecessor.
void copy_distinct(const Contour& contour, std::vector<PointMm>& points) {
  points.clear();
  for (const PointMm& p : contour) {
    if (points.empty() || !(p == points.back())) points.push_back(p);
  }
  while (points.size() > 1 && points.back() == points.front()) points.pop_back();
}

double twice_area(const std::vector<PointMm>& points) {
  double sum = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const PointMm &a = points[i], &b = points[i + 1 == points.size() ? 0 : i + 1];
    sum += a.x * b.y - b.x * a.y;
  }
  return sum;
}

// Where the contour crosses the centre lines of the box's rows, by row, then by x.
void find_crossings(const PixelBox& box, DistanceWorkspace& work) {
  work.crossings.clear();
  work.row_begin.assign(static_cast<std::size_t>(box.bottom - box.top) + 1, 0);
  for (std::size_t i = 0; i < work.points.size(); ++i) {
    const PointMm& a = work.points[i];
    const PointMm& b = work.points[i + 1 == work.points.size() ? 0 : i + 1];
    if (a.y == b.y) continue;
    const PointMm& upper = a.y < b.y ? a : b;
    const PointMm& lower = a.y < b.y ? b : a;
    // Row centres y + 0.5 in [upper.y, lower.y).
    const int first = std::max(box.top, static_cast<int>(std::ceil(upper.y - 0.5)));
    const int last = std::min(box.bottom, static_cast<int>(std::ceil(lower.y - 0.5)));
    const double slope = (lower.x - upper.x) / (lower.y - upper.y);
    for (int y = first; y < last; ++y) {
      work.crossings.push_back({y - box.top, static_cast<float>(upper.x + (y + 0.5 - upper.y) * slope)});
      ++work.row_begin[static_cast<std::size_t>(y - box.top) + 1];
    }
  }
  for (std::size_t k = 1; k < work.row_begin.size(); ++k) work.row_begin[k] += work.row_begin[k - 1];
  work.sorted_crossings.resize(work.crossings.size());
  for (const auto& crossing : work.crossings) {
    work.sorted_crossings[work.row_begin[static_cast<std::size_t>(crossing.row)]++] = crossing;
  }
  // Each row's beginning has moved to its end: to the next one's beginning.
  for (std::size_t k = work.row_begin.size() - 1; k > 0; --k) work.row_begin[k] = work.row_begin[k - 1];
  work.row_begin[0] = 0;
  for (std::size_t k = 0; k + 1 < work.row_begin.size(); ++k) {
    const auto begin = work.sorted_crossings.begin();
    std::sort(begin + static_cast<long>(work.row_begin[k]), begin + static_cast<long>(work.row_begin[k + 1]),
              [](const auto& a, const auto& b) { return a.x < b.x; });
  }
}

// Signed distances of one row from squared ones.
void sign_row(const float* squared, std::span<const DistanceWorkspace::Crossing> crossings, const DistanceBand& band,
              const PixelBox& box, RowSpan& span, float* out) {
  const auto inside = static_cast<float>(band.inside_px), outside = static_cast<float>(band.outside_px);
  int x = box.left;
  for (std::size_t k = 0; k <= crossings.size(); ++k) {
    int end = box.right;
    if (k < crossings.size()) {
      // First pixel whose centre lies beyond the crossing.
      end = static_cast<int>(
          std::clamp(std::ceil(crossings[k].x - 0.5f), static_cast<float>(box.left), static_cast<float>(box.right)));
    }
    const bool is_inside = k % 2 == 1;
    if (is_inside && end > x) {
      span.left = std::min(span.left, x);
      span.right = std::max(span.right, end);
    }
    const float sign = is_inside ? 1.0f : -1.0f, limit = is_inside ? inside : outside;
    const float* from = squared - box.left;
    for (; x < end; ++x) out[x] = sign * std::min(std::sqrt(from[x]), limit);
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

std::vector<RowSpan> signed_distance_px(const Contour& contour_px, const DistanceBand& band, const PixelBox& box,
                                        DistanceWorkspace& work, Image<float>& out) {
  const auto rows = static_cast<std::size_t>(std::max(0, box.bottom - box.top));
  if (box.empty()) return std::vector<RowSpan>(rows);
  std::vector<RowSpan> spans(rows, RowSpan{box.right, box.left});
  copy_distinct(contour_px, work.points);
  BandPainter painter(box, band, twice_area(work.points), work, spans);
  const std::size_t count = work.points.size();
  if (count > 1) {
    const auto side = [&](std::size_t i) { return Side(work.points[i % count], work.points[(i + 1) % count]); };
    Side current = side(0);
    for (std::size_t i = 0; i < count; ++i) {
      const Side next = side(i + 1);
      painter.add(current, next);
      current = next;
    }
  }
  find_crossings(box, work);
  for (int y = box.top; y < box.bottom; ++y) {
    const auto k = static_cast<std::size_t>(y - box.top);
    const std::span crossings(work.sorted_crossings.data() + work.row_begin[k],
                              work.row_begin[k + 1] - work.row_begin[k]);
    sign_row(painter.row(y), crossings, band, box, spans[k], out.row(y));
    if (spans[k].left > spans[k].right) spans[k] = {box.left, box.left};
  }
  return spans;
}

}  // namespace genu::generator
