// Is bone bright? Finds photometric negatives by correlation with what a knee looks like on average.
#pragma once

#include <cstdint>
#include <span>

#include "pipeline/augment/augment.h"

namespace genu::pipeline {

inline constexpr int kPolaritySidePx = 32;

// Correlation, -1..1, of the image (area-averaged to 32 x 32) with a left-right symmetric knee template: bright bone
// in the middle, dark skin at the sides, a dark joint space below the centre. About 0 for an image without contrast.
double knee_polarity(const GreyView& image);

// Below this an image is a negative. On 6,604 films of the Mendeley set the 84 negatives lie at or below -0.56 and all
// others at or above +0.21.
inline constexpr double kNegativePolarity = -0.25;

}  // namespace genu::pipeline
