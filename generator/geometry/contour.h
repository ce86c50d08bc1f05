// Points, smooth contours and rigid motions in millimetres (x lateral, y proximal).
#pragma once

#include <span>
#include <vector>

namespace genu::generator {

struct PointMm {
  double x = 0;
  double y = 0;
  bool operator==(const PointMm&) const = default;
};

// A polyline; closed contours do not repeat their first point.
using Contour = std::vector<PointMm>;

// Rotation about the origin, then translation.
struct RigidMotion {
  double rotation_rad = 0;
  double dx_mm = 0;
  double dy_mm = 0;
  PointMm operator()(const PointMm& p) const;
};

Contour transformed(std::span<const PointMm> points, const RigidMotion& motion);

// Hermite curve through the control points, chord-length parametrised, `pieces` chords between neighbours.
Contour smooth_open_curve(std::span<const PointMm> controls, int pieces);
Contour smooth_closed_curve(std::span<const PointMm> controls, int pieces);

// Closed ellipse of `count` points, counter-clockwise.
Contour ellipse(const PointMm& centre, double radius_x_mm, double radius_y_mm, int count);

double distance_to_segment_mm(const PointMm& p, const PointMm& a, const PointMm& b);

// Least distance between two polylines; exact for straight chords. Negative where a point of `upper` lies below
// `lower` (both ordered by x over the common range): the depth of penetration, measured vertically. Infinite if either
// is empty.
double signed_gap_mm(std::span<const PointMm> upper, std::span<const PointMm> lower);

// The y of a polyline at x, linear between points ordered by ascending x; ends are held.
double height_at_mm(std::span<const PointMm> curve, double x);

// 0 up to `low`, 1 from `high`, a cubic without corners between.
double smooth_step(double low, double high, double x);

}  // namespace genu::generator
