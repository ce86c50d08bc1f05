// The published pixel ladder, for comparison with sets drawn that way: joint space in pixels of a 224 px picture by
// grade, angular deformity from grade 3 on. Not anatomy: 25 px are more than a centimetre of joint space at this scale
// (spec 0.2). Never mixed with the physical mode; the manifest, the card and dataset.yaml say which it was.
#pragma once

#include <array>

#include "generator/dataset/dials.h"

namespace genu::generator {

struct PixelRange {
  double low_px = 0;
  double high_px = 0;
};
// At 224 px; other sizes scale.
inline constexpr std::array<PixelRange, kKlGradeCount> kSeedLadder = {{{25, 32}, {19, 26}, {13, 20}, {7, 13}, {2, 7}}};

// Gives a sampled knee of this grade the ladder's joint space, the same on both sides, and its deformity.
// `pixel_spacing_mm` is the picture's, `size_px` its width.
void apply_seed_ladder(KlGrade grade, double pixel_spacing_mm, int size_px, const SampledKnee& knee,
                       RandomStream& stream);

}  // namespace genu::generator
