// What augmentation does to grey levels after the warp.
#pragma once

#include <span>

#include "pipeline/augment/augment.h"

namespace genu::pipeline {

// Gamma, blur, noise and cut-out of one draw, in that order, in place. image: [height, width], grey levels 0..255.
// `mean_grey` fills the cut-out.
void apply_filters(const AugmentParameters& parameters, float mean_grey, int height_px, int width_px,
                   std::span<float> image);

// The steps, each in place.

// 255 (grey / 255)^gamma from a table of 4,096 levels, interpolated: within 0.5 grey level for gamma in 0.4 .. 4.
void apply_gamma(double gamma, std::span<float> image);

// Separable, radius ceil(3 sigma), edges replicated.
void apply_blur(double sigma_px, int height_px, int width_px, std::span<float> image);

// White normal noise that depends on the seed and the position alone; clamped to 0 .. 255.
void add_noise(double sd_grey, std::uint32_t seed, std::span<float> image);

struct CutoutBox {
  int left = 0, top = 0, right = 0, bottom = 0;  // half-open
  bool operator==(const CutoutBox&) const = default;
};

// The square of a cut-out, clipped to the image. Its side is a fraction of the shorter side.
CutoutBox cutout_box(const AugmentParameters& parameters, int height_px, int width_px);

}  // namespace genu::pipeline
