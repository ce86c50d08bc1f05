#include "generator/geometry/contour.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace genu::generator {

namespace {

double length(const PointMm& a, const PointMm& b) { return std::hypot(b.x - a.x, b.y - a.y); }

// Slope at `here` for a curve through three points at chord-length parameters (finite difference, non-uniform).
PointMm tangent(const PointMm& before, const PointMm& here, const PointMm& after) {
  const double h0 = std::max(1e-9, length(before, here));
  const double h1 = std::max(1e-9, length(here, after));
  const auto slope = [&](double p, double q, double r) { return ((q - p) / h0 * h1 + (r - q) / h1 * h0) / (h0 + h1); };
  return {slope(before.x, here.x, after.x), slope(before.y, here.y, after.y)};
}

void append_piece(Contour& out, const PointMm& a, const PointMm& ta, const PointMm& b, const PointMm& tb, int pieces) {
  const double h = length(a, b);
  for (int i = 0; i < pieces; ++i) {
    const double t = static_cast<double>(i) / pieces;
    const double t2 = t * t, t3 = t2 * t;
    const double a0 = 2 * t3 - 3 * t2 + 1, a1 = (t3 - 2 * t2 + t) * h, b0 = -2 * t3 + 3 * t2, b1 = (t3 - t2) * h;
    out.push_back({a0 * a.x + a1 * ta.x + b0 * b.x + b1 * tb.x, a0 * a.y + a1 * ta.y + b0 * b.y + b1 * tb.y});
  }
}

double least_distance(std::span<const PointMm> points, std::span<const PointMm> line) {
  double least = std::numeric_limits<double>::infinity();
  for (const PointMm& p : points) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      // A chord further off horizontally than the best so far cannot improve it.
      if (std::min(line[i].x, line[i + 1].x) - p.x > least || p.x - std::max(line[i].x, line[i + 1].x) > least)
        continue;
      least = std::min(least, distance_to_segment_mm(p, line[i], line[i + 1]));
    }
  }
  return least;
}

// Depth of the deepest of `points` on the wrong side of `line`; 0 if none is. `sign` is +1 if they belong above it.
double deepest(std::span<const PointMm> points, std::span<const PointMm> line, double sign) {
  double depth = 0;
  if (line.empty()) return depth;
  for (const PointMm& p : points) {
    if (!(p.x >= line.front().x && p.x <= line.back().x)) continue;
    depth = std::max(depth, sign * (height_at_mm(line, p.x) - p.y));
  }
  return depth;
}

}  // namespace

PointMm RigidMotion::operator()(const PointMm& p) const {
  const double c = std::cos(rotation_rad), s = std::sin(rotation_rad);
  return {c * p.x - s * p.y + dx_mm, s * p.x + c * p.y + dy_mm};
}

Contour transformed(std::span<const PointMm> points, const RigidMotion& motion) {
  const double c = std::cos(motion.rotation_rad), s = std::sin(motion.rotation_rad);
  Contour out;
  out.reserve(points.size());
  for (const PointMm& p : points) out.push_back({c * p.x - s * p.y + motion.dx_mm, s * p.x + c * p.y + motion.dy_mm});
  return out;
}

Contour smooth_open_curve(std::span<const PointMm> controls, int pieces) {
  const std::size_t n = controls.size();
  std::vector<PointMm> tangents(n);
  for (std::size_t i = 0; i < n; ++i) {
    const PointMm& before = controls[i == 0 ? 0 : i - 1];
    const PointMm& after = controls[i + 1 == n ? i : i + 1];
    if (i == 0 || i + 1 == n) {
      const double h = std::max(1e-9, length(before, after));
      tangents[i] = {(after.x - before.x) / h, (after.y - before.y) / h};
    } else {
      tangents[i] = tangent(before, controls[i], after);
    }
  }
  Contour out;
  out.reserve(n * static_cast<std::size_t>(pieces) + 1);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    append_piece(out, controls[i], tangents[i], controls[i + 1], tangents[i + 1], pieces);
  }
  out.push_back(controls.back());
  return out;
}

Contour smooth_closed_curve(std::span<const PointMm> controls, int pieces) {
  const std::size_t n = controls.size();
  std::vector<PointMm> tangents(n);
  for (std::size_t i = 0; i < n; ++i) {
    tangents[i] = tangent(controls[(i + n - 1) % n], controls[i], controls[(i + 1) % n]);
  }
  Contour out;
  out.reserve(n * static_cast<std::size_t>(pieces));
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t next = (i + 1) % n;
    append_piece(out, controls[i], tangents[i], controls[next], tangents[next], pieces);
  }
  return out;
}

Contour ellipse(const PointMm& centre, double radius_x_mm, double radius_y_mm, int count) {
  Contour out;
  out.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * i / count;
    out.push_back({centre.x + radius_x_mm * std::cos(angle), centre.y + radius_y_mm * std::sin(angle)});
  }
  return out;
}

double smooth_step(double low, double high, double x) {
  const double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double distance_to_segment_mm(const PointMm& p, const PointMm& a, const PointMm& b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double squared = dx * dx + dy * dy;
  const double t = squared > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / squared, 0.0, 1.0) : 0.0;
  const double off_x = p.x - a.x - t * dx, off_y = p.y - a.y - t * dy;
  return std::sqrt(off_x * off_x + off_y * off_y);  // millimetres: no overflow to guard against, and hypot is slow
}

double signed_gap_mm(std::span<const PointMm> upper, std::span<const PointMm> lower) {
  const double depth = std::max(deepest(upper, lower, 1), deepest(lower, upper, -1));
  if (depth > 0) return -depth;
  return std::min(least_distance(upper, lower), least_distance(lower, upper));
}

double height_at_mm(std::span<const PointMm> curve, double x) {
  const auto after =
      std::upper_bound(curve.begin(), curve.end(), x, [](double value, const PointMm& p) { return value < p.x; });
  if (after == curve.begin()) return curve.front().y;
  if (after == curve.end()) return curve.back().y;
  const PointMm& a = *(after - 1);
  const PointMm& b = *after;
  return a.y + (b.y - a.y) * (x - a.x) / (b.x - a.x);
}

}  // namespace genu::generator
