#include "generator/projection/calcified_paths.h"

#include <algorithm>
#include <cmath>

#include "generator/projection/signed_distance.h"

namespace genu::generator {

namespace {

// Chord of a unit sphere at distance r from its middle, over 2.
double half_chord(double r) { return std::sqrt(std::max(0.0, 1 - r * r)); }

}  // namespace

void add_calcified_body(const CalcifiedBody& body, const ImageFrame& frame, PathLengthMaps& maps) {
  constexpr double kShell = 0.22;  // of the radius
  const PixelBox box = box_around(to_image_px(body.outline_mm, frame), 1.0, frame.width_px, frame.height_px);
  const double c = std::cos(body.axis_rad), s = std::sin(body.axis_rad);
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      const PointMm p = frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
      const double dx = p.x - body.centre_mm.x, dy = p.y - body.centre_mm.y;
      const double u = (c * dx + s * dy) / body.radius_long_mm, v = (c * dy - s * dx) / body.radius_short_mm;
      const double r = std::hypot(u, v) / lobed_radius(body, std::atan2(v, u));
      if (!(r < 1)) continue;
      const double outer = half_chord(r), inner = (1 - kShell) * half_chord(r / (1 - kShell));
      const double bone = body.bone_mm * ((1 - body.shell_share) * outer + body.shell_share * (outer - inner) / kShell);
      maps.cortical_mm.at(x, y) += static_cast<float>(bone);
      float& soft = maps.soft_mm.at(x, y);
      soft = std::max(soft - static_cast<float>(bone), 0.0f);
    }
  }
}

void add_calcification(const CalcificationShape& shape, const ImageFrame& frame, PathLengthMaps& maps) {
  const double px_per_mm = 1 / frame.pixel_spacing_mm;
  for (const CalcifiedGrain& grain : shape.grains) {
    const PointMm at = frame.image_px_from_knee_mm(grain.at_mm);
    // Over a disc of at least 0.8 px, whose paths add up to the grain's volume.
    const double true_px = grain.radius_mm * px_per_mm, radius = std::max(true_px, 0.8);
    const double path = grain.path_mm * (true_px * true_px) / (radius * radius + 1 / 12.0);  // its soft edge counts
    const int left = std::max(0, static_cast<int>(std::floor(at.x - radius - 0.5)));
    const int right = std::min(frame.width_px - 1, static_cast<int>(std::floor(at.x + radius + 0.5)));
    const int top = std::max(0, static_cast<int>(std::floor(at.y - radius - 0.5)));
    const int bottom = std::min(frame.height_px - 1, static_cast<int>(std::floor(at.y + radius + 0.5)));
    for (int y = top; y <= bottom; ++y) {
      for (int x = left; x <= right; ++x) {
        const double r = std::hypot(x + 0.5 - at.x, y + 0.5 - at.y);
        const double share = std::clamp(radius - r + 0.5, 0.0, 1.0);
        maps.cortical_mm.at(x, y) += static_cast<float>(path * share);
      }
    }
  }
}

}  // namespace genu::generator
