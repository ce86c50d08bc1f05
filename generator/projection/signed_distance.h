// Exact distance to a closed contour, in pixels, near the contour.
#pragma once

#include <vector>

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

// How far from the contour distances are told apart. Both > 0.
struct DistanceBand {
  double inside_px = 0;
  double outside_px = 0;
};

// Half-open range of columns.
struct RowSpan {
  int left = 0;
  int right = 0;
};

// What one thread reuses from contour to contour.
struct DistanceWorkspace {
  std::vector<PointMm> points;
  std::vector<float> squared;    // [rows, stride] of the box
  std::vector<RowSpan> columns;  // [rows], of one segment
  struct Crossing {
    int row;
    float x;
  };
  std::vector<Crossing> crossings, sorted_crossings;
  std::vector<std::size_t> row_begin;
};

// Distance of each pixel centre in `box` from the contour: positive inside (even-odd), negative outside, held at the
// band's ends beyond it. `out` must have the image's size; pixels outside the box are left as they are. Returns for
// each row of the box the columns beyond which every pixel lies outside, by the outer band or more. Exact for a contour
// that does not cross itself; inside a loop of one that does, where the loop's own outer band reaches.
std::vector<RowSpan> signed_distance_px(const Contour& contour_px, const DistanceBand& band, const PixelBox& box,
                                        DistanceWorkspace& work, Image<float>& out);

}  // namespace genu::generator
