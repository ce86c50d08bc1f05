#include "generator/projection/image_frame.h"

#include <cmath>
#include <numbers>

namespace genu::generator {

Affine inverse(const Affine& m) {
  const double determinant = m.xx * m.yy - m.xy * m.yx;
  Affine out;
  out.xx = m.yy / determinant;
  out.xy = -m.xy / determinant;
  out.yx = -m.yx / determinant;
  out.yy = m.xx / determinant;
  out.x0 = -(out.xx * m.x0 + out.xy * m.y0);
  out.y0 = -(out.yx * m.x0 + out.yy * m.y0);
  return out;
}

Affine composed(const Affine& b, const Affine& a) {
  return {b.xx * a.xx + b.xy * a.yx, b.xx * a.xy + b.xy * a.yy, b.xx * a.x0 + b.xy * a.y0 + b.x0,
          b.yx * a.xx + b.yy * a.yx, b.yx * a.xy + b.yy * a.yy, b.yx * a.x0 + b.yy * a.y0 + b.y0};
}

Affine affine_from(const RigidMotion& motion) {
  const double c = std::cos(motion.rotation_rad), s = std::sin(motion.rotation_rad);
  return {c, -s, motion.dx_mm, s, c, motion.dy_mm};
}

ImageFrame make_frame(int size_px, double femur_width_mm, double joint_rotation_rad, KneeSide side,
                      const Positioning& positioning) {
  ImageFrame frame;
  frame.width_px = size_px;
  frame.height_px = size_px;
  frame.pixel_spacing_mm = femur_width_mm / (positioning.femur_fill * size_px);
  const double scale = 1 / frame.pixel_spacing_mm;
  const double angle = positioning.tilt_deg * std::numbers::pi / 180 + 0.5 * joint_rotation_rad;
  const double c = std::cos(angle), s = std::sin(angle);
  // The joint line is the middle of the joint space, some 3 mm above the tibial rim line that is the origin.
  const double joint_line_mm = 2.9;
  Affine map{scale * c, scale * s,  positioning.centre_column * size_px,
             scale * s, -scale * c, positioning.joint_line_row * size_px + joint_line_mm * scale};
  if (side == KneeSide::kRight) {
    map.xx = -map.xx;
    map.xy = -map.xy;
    map.x0 = size_px - map.x0;
  }
  frame.image_px_from_knee_mm = map;
  frame.knee_mm_from_image_px = inverse(map);
  return frame;
}

ImageFrame coarsened(const ImageFrame& frame, int step) {
  ImageFrame coarse;
  coarse.width_px = (frame.width_px + step - 1) / step;
  coarse.height_px = (frame.height_px + step - 1) / step;
  coarse.pixel_spacing_mm = frame.pixel_spacing_mm * step;
  const double shrink = 1.0 / step;
  coarse.image_px_from_knee_mm = composed(Affine{shrink, 0, 0, 0, shrink, 0}, frame.image_px_from_knee_mm);
  coarse.knee_mm_from_image_px = inverse(coarse.image_px_from_knee_mm);
  return coarse;
}

Contour to_image_px(const Contour& contour_mm, const ImageFrame& frame) {
  Contour out;
  out.reserve(contour_mm.size());
  for (const PointMm& p : contour_mm) out.push_back(frame.image_px_from_knee_mm(p));
  return out;
}

}  // namespace genu::generator
