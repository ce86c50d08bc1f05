// Finds knees on films: where to cut the square crop that graders are trained on, 1.15 x the width of the femur over
// its epicondyles with the joint line at 0.592 of its height (what the crops of the Mendeley set measure: the femur
// fills 87 % of the crop, the joint line lies at rows 131-134 of 224).
//
// Method: the structure of the film (minus a local mean down the columns, over a local SD) is correlated with the mean
// structure of synthetic knees (knee_template.inc) at twelve sizes; best place and size are refined by parabolas.
// Template and constants come from synthetic films alone.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/decode/decode_image.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// All lengths in pixels of the film.
struct KneePlace {
  double left_px = 0;  // of the square crop
  double top_px = 0;
  double side_px = 0;
  double joint_row_px = 0;     // joint line, from the film's top
  double joint_column_px = 0;  // middle of the joint
  double femur_width_px = 0;   // over the epicondyles
  double correlation = 0;      // with the mean knee, -1..1
};

// The crop on whole pixels.
PixelBox crop_box(const KneePlace& place);

// Knees by the half of the picture they lie in. On a PA film as it is displayed the picture's left half shows the
// patient's right knee; whether a film is displayed so is for the caller to know.
struct FilmKnees {
  std::optional<KneePlace> picture_left;
  std::optional<KneePlace> picture_right;
};

// A place that correlates less is no knee. The synthetic knees it was tuned on correlate at 0.45 or more.
inline constexpr double kLeastKneeCorrelation = 0.3;

// Bone must be bright. `spacing_mm`: at the detector or the object, it only bounds the sizes that are tried; without it
// the film is taken to be 430 mm wide.
FilmKnees locate_knees(const DecodedImage& film, std::optional<double> spacing_mm);

// A film that shows one knee. An unknown side tries both orientations. Without a spacing every size from a third of the
// picture to all of it is tried.
std::optional<KneePlace> locate_knee(const DecodedImage& film, std::optional<KneeSide> side,
                                     std::optional<double> spacing_mm);

// A picture that is already cut to one knee: sizes from 0.85 to 1.2 of the picture's height.
std::optional<KneePlace> locate_in_crop(const DecodedImage& crop, std::optional<KneeSide> side);

}  // namespace genu::pipeline
