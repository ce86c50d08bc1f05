// From a decoded film to the pixels that are stored and graded. `shard` and `predict` call the same function with the
// same config (stored in the shards and in the checkpoint), so that a knee looks alike in training and in use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"
#include "pipeline/decode/decode_image.h"

namespace genu::pipeline {

enum class Negatives : std::uint8_t {
  kRight,  // find photometric negatives (bone dark) and invert them
  kKeep,   // leave them
};

enum class Orientation : std::uint8_t {
  kAsLeft,  // mirror right knees: medial is on the picture's left in every image
  kKeep,    // leave them
};

enum class Fit : std::uint8_t {
  kLetterbox,  // keep proportions; pad the shorter side with black, half on each end
  kStretch,    // fill the square
};

enum class HistogramMatching : std::uint8_t {
  kOff,
  kTrain,  // each film's grey levels are mapped so that their distribution is the training films'
};

struct PreprocessConfig {
  int size_px = 224;  // side of the stored square
  Fit fit = Fit::kLetterbox;
  Negatives negatives = Negatives::kRight;
  Orientation orientation = Orientation::kAsLeft;
  double stretch_low_percent = 0;     // grey at this percentile becomes 0; 0 with 100 = no stretch
  double stretch_high_percent = 100;  // grey at this percentile becomes 255
  HistogramMatching match_histogram = HistogramMatching::kOff;
  // Share of the training films' pixels at or below each of the 256 grey levels. Fitted by `genu shard` on the train
  // part alone and stored with the config, so that `predict` maps as training did; empty until then.
  std::vector<double> histogram_reference = {};
  double clahe_clip = 0;  // contrast-limited adaptive histogram equalisation; 0 = off
  int clahe_tiles = 8;    // tiles a side
  void list_fields(FieldList& fields);
  bool operator==(const PreprocessConfig&) const = default;
};

struct PreparedImage {
  int height_px = 0;
  int width_px = 0;
  std::vector<std::uint8_t> pixels;  // [height, width]
  double polarity = 0;               // correlation with the knee template, -1..1, before righting
  bool was_negative = false;
  bool was_mirrored = false;
};

inline constexpr std::size_t kGreyLevels = 256;
using GreyHistogram = std::array<std::uint64_t, kGreyLevels>;

// Pixels by grey level of what matching would see: after grey range, size and righting, before padding.
GreyHistogram grey_histogram(const DecodedImage& image, const PreprocessConfig& config);

// The reference that these counts make. Requires a count above 0.
std::vector<double> histogram_reference(const GreyHistogram& counts);

// What each grey level becomes: the lowest level that at least as large a share of the reference does not exceed.
std::array<std::uint8_t, kGreyLevels> matching_table(const GreyHistogram& counts, const std::vector<double>& reference);

// A side that is not known is never mirrored. Throws ConfigError if matching is on and not fitted, DataError if the
// image is smaller than 16 px a side.
PreparedImage prepare_image(const DecodedImage& image, std::optional<KneeSide> side, const PreprocessConfig& config);

// A label map of the same picture, brought to the same place: nearest neighbour, padding 0. 8 bit, [size_px, size_px].
// Throws DataError unless `labels` is 8 bit and 16 px a side or more.
std::vector<std::uint8_t> prepare_labels(const DecodedImage& labels, std::optional<KneeSide> side,
                                         const PreprocessConfig& config);

}  // namespace genu::pipeline
