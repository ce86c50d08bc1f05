// Exact distance to a closed contour, in pixels, near the contour.
#pragma once

#include "generator/geometry/contour.h"
#include "generator/projection/image.h"

namespace genu::generator {

// Half-open box of pixels.
struct PixelBox {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
  bool empty() const { return right <= left || bottom <= top; }
};

// Box around a contour, grown by `margin_px`, cut to the image.
PixelBox box_around(const Contour& contour_px, double margin_px, int width_px, int height_px);

// Distance of each pixel centre in `box` from the contour: positive inside (even-odd), negative outside, held at
// +-band_px beyond the band. `out` must have the image's size; pixels outside the box are left as they are.
void signed_distance_px(const Contour& contour_px, double band_px, const PixelBox& box, Image<float>& out);

}  // namespace genu::generator
