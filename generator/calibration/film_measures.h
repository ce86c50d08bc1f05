// What can be measured on one knee crop without knowing its grade or side: exposure, sharpness, noise, place of the
// knee.
#pragma once

#include <array>
#include <cstdint>

#include "generator/projection/image.h"

namespace genu::generator {

inline constexpr int kMeasuredSizePx = 224;
inline constexpr int kThumbnailPx = 28;

// [kThumbnailPx rows, kThumbnailPx columns].
using Thumbnail = std::array<float, kThumbnailPx * kThumbnailPx>;

Thumbnail mirrored(const Thumbnail& picture);

struct FilmMeasures {
  double mean_grey = 0;
  double sd_grey = 0;
  double skewness = 0;    // of the grey levels
  double edge_strip = 0;  // grey of the outer columns at mid height: film means and SDs from the film's mean
  double noise_grey = 0;  // RMS of diagonal differences in the flattest fifth of the film
  double log_fine = 0;    // ln RMS of detail below 3 px, of 3-9 px and of 9-27 px at 224 px, over the film's SD
  double log_middle = 0;
  double log_coarse = 0;
  double tibia_width = 0;    // between the strongest edges some 10 mm below the joint, share of the width
  double centre_column = 0;  // middle of the two, share of the width
  double joint_gap = 0;      // between the steepest edges of that band, mean of both compartments, share of the height
  double joint_row = 0;      // darkest band between the bones, share of the height
  Thumbnail picture{};       // standardised grey
};

// `grey` is 0 .. 255, any size >= 64; it is resampled to 224 x 224 first. Throws InternalError if it is smaller.
FilmMeasures measure_film(const Image<float>& grey);

// The same film with its polarity turned: 255 - grey.
FilmMeasures turned(const FilmMeasures& film);

// -1 .. 1.
double correlation(const Thumbnail& a, const Thumbnail& b);

}  // namespace genu::generator
