// Where knee millimetres land on image pixels. Pixel (i, j) covers [i, i+1) x [j, j+1), y down; knee y is up.
#pragma once

#include "core/kl_grade.h"
#include "generator/geometry/contour.h"
#include "generator/geometry/positioning.h"

namespace genu::generator {

// x' = xx x + xy y + x0 and so for y'.
struct Affine {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
  PointMm operator()(const PointMm& p) const { return {xx * p.x + xy * p.y + x0, yx * p.x + yy * p.y + y0}; }
};

Affine inverse(const Affine& map);
// The map that applies `second` after `first`.
Affine composed(const Affine& second, const Affine& first);
Affine affine_from(const RigidMotion& motion);

struct ImageFrame {
  int width_px = 224;
  int height_px = 224;
  double pixel_spacing_mm = 0.417;
  Affine image_px_from_knee_mm;
  Affine knee_mm_from_image_px;
};

// A right knee is the mirror image of a left one: lateral lies to the right of a left knee's picture.
// `joint_rotation_rad`, the femur's turn against the tibia, is shared by both bones in the picture.
ImageFrame make_frame(int size_px, double femur_width_mm, double joint_rotation_rad, KneeSide side,
                      const Positioning& positioning);

// The same view in square cells of `step` pixels; cells at the right and lower edge may reach beyond the image.
ImageFrame coarsened(const ImageFrame& frame, int step);

// Contour in image pixels (the struct's "mm" is its source's unit, not the result's).
Contour to_image_px(const Contour& contour_mm, const ImageFrame& frame);

}  // namespace genu::generator
