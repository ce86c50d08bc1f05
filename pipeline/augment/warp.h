// The affine warp alone, so that a slow twin can be held against it.
#pragma once

#include <span>

#include "pipeline/augment/augment.h"

namespace genu::pipeline {

// Source position of output pixel (x, y): source_px = matrix * (x, y, 1), rows x then y.
struct AffineMap {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
};

// source_px_from_output_px for an image of this size.
AffineMap source_from_output(const AugmentParameters& parameters, int height_px, int width_px);

// grey = clamp(sampled * factor + offset, 0, 255).
struct GreyMap {
  float factor = 1;
  float offset = 0;
};

// Bilinear with replicated edges. out: [height, width].
void warp_bilinear(const GreyView& image, const AffineMap& map, const GreyMap& grey, std::span<float> out);

}  // namespace genu::pipeline
