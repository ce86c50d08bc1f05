// The warps alone, so that slow twins can be held against them.
#pragma once

#include <span>
#include <vector>

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

inline constexpr int kMostElasticCells = 64;

// Displacements of a uniform cubic B-spline over cells x cells squares; the spline stays within its control values.
struct ElasticGrid {
  int cells = 0;
  std::vector<float> x;  // [cells + 3, cells + 3], fractions of the width, row by row
  std::vector<float> y;  // fractions of the height
};

// Control values uniform in +- elastic_shift; pure function of the parameters. Requires 1 <= elastic_cells.
ElasticGrid elastic_grid(const AugmentParameters& parameters);

// As warp_bilinear(), but output pixel (x, y) reads the source at matrix * (x + dx, y + dy, 1), (dx, dy) from the grid.
void warp_elastic(const GreyView& image, const AffineMap& map, const ElasticGrid& grid, const GreyMap& grey,
                  std::span<float> out);

}  // namespace genu::pipeline
