// Explanations as pictures.
#pragma once

#include <span>
#include <vector>

#include "core/png.h"
#include "pipeline/loader/tensor_format.h"

namespace genu::train {

// The grey picture under the map's colours: dark where the map is 0, through red to light yellow at its largest value,
// the more opaque the higher. A map that is 0 everywhere leaves the picture grey.
//   map  [height, width] of the image, >= 0
PngImage overlay(const pipeline::GreyView& image, std::span<const float> map);

// Pictures of one size in rows on black, two pixels between them. Rows may differ in length. Requires a picture.
PngImage tile(const std::vector<std::vector<PngImage>>& rows);

}  // namespace genu::train
