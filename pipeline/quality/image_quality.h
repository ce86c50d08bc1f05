// What is wrong with a picture of a knee, each flag with its measure. Thresholds come from the 5,778 training films of
// the Mendeley set (percentiles of real_film_statistics and of scripts named beside them) unless said otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/kl_grade.h"
#include "pipeline/decode/decode_image.h"

namespace genu::pipeline {

struct ImageQuality {
  int width_px = 0;
  int height_px = 0;
  double polarity = 0;                         // correlation with the knee template of polarity.h, -1..1
  double black_percent = 0;                    // pixels at the lowest grey level, 0 of 255
  double white_percent = 0;                    // pixels at 255
  double mean_grey = 0;                        // 0..255; bone bright
  double metal_percent = 0;                    // pixels that are metal: see kMetal_grey
  double colour_percent = 0;                   // pixels whose channels differ visibly (decode_image.h)
  std::optional<double> joint_row_percent;     // joint line below the top, % of the height; none = no knee was found
  std::optional<double> joint_column_percent;  // middle of the joint from the left, % of the width
  std::optional<double> tilt_deg;              // of the joint line, positive = its right end lies lower
};

// Bone bright or dark; a negative is righted before anything but the polarity is measured.
ImageQuality measure_quality(const DecodedImage& image, std::optional<KneeSide> side);

// Flags and what raises them.
//   negative      polarity below kNegativePolarity (polarity.h)
//   clipped       more than 10 % of the pixels black or 1 % white
//   underexposed  mean grey below 64, the films' 1st percentile
//   overexposed   mean grey above 216, their 99th percentile
//   coloured      more than kMostColour_percent of the pixels
//   hardware      metal on more than 0.5 % of the picture
//   off_centre    joint line outside 48-70 % of the height, or joint outside 38-62 % of the width: 4 SD from the
//                 measured 59.2 +- 3.1 % and about 50 +- 3 %; or no knee found
//   rotated       joint line tilted by more than 12 deg (measured 1.4 +- 2.8)
//   wrong_size    not the size that most pictures of the listing have
//   duplicate     the same bytes as another picture of the listing, which quality_duplicate_of names
inline constexpr double kMostBlack_percent = 10;
inline constexpr double kMostWhite_percent = 1;
inline constexpr double kLeastMean_grey = 64;
inline constexpr double kMostMean_grey = 216;
inline constexpr double kMostMetal_percent = 0.5;
inline constexpr double kLeastJointRow_percent = 48;
inline constexpr double kMostJointRow_percent = 70;
inline constexpr double kMostJointOffset_percent = 12;
inline constexpr double kMostTilt_deg = 12;

// Those that one picture alone can raise, in the order above.
std::vector<std::string> quality_flags(const ImageQuality& quality);

}  // namespace genu::pipeline
