// Cutting one knee out of a film.
#pragma once

#include "pipeline/decode/decode_image.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// The part of the picture inside the box, at its own depth; black where the box reaches over the edge.
// Throws DataError (without a file name) if the box and the picture do not meet, or if the box covers more than 4 times
// the picture's pixels.
DecodedImage crop(const DecodedImage& image, const PixelBox& box);

}  // namespace genu::pipeline
