// Resizing of stored grey levels on the way to a network, without OpenCV.
#pragma once

#include <cstdint>
#include <span>

#include "pipeline/augment/augment.h"

namespace genu::pipeline {

// Area average along an axis that shrinks (no aliasing), bilinear along one that grows; pixel centres at half
// integers. out: [height, width] of `to_height_px` x `to_width_px`.
void resize_grey(const GreyView& image, int to_height_px, int to_width_px, std::span<std::uint8_t> out);
// The same, not rounded.
void resize_grey(const GreyView& image, int to_height_px, int to_width_px, std::span<float> out);

}  // namespace genu::pipeline
