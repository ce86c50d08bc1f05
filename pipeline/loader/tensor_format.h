// From stored grey levels to what a network takes: size, channels, normalisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "pipeline/augment/augment.h"
#include "pipeline/loader/shard_set.h"

namespace genu::pipeline {

// x is a grey level 0..255.
enum class Normalisation : std::uint8_t {
  kUnit,        // x / 255
  kPerImage,    // 0.5 (x - mean) / (sd + 1) with mean and SD of this very image
  kDataset,     // (x - mean) / sd with mean and SD of the training pixels
  kTensorflow,  // x / 127.5 - 1
  kImagenet,    // (x / 255 - mean_c) / sd_c with ImageNet's channel means and SDs; one channel takes their average
};

// The word of each in a config.
std::vector<std::pair<std::string, Normalisation>> normalisation_words();

// Of a picture resized to the network's width, the rows the network is shown: shares of the height from the top. A band
// around the joint leaves more pixels for it at the same cost.
struct RowBand {
  double first = 0;
  double last = 1;  // > first
  void list_fields(FieldList& fields);
  bool operator==(const RowBand&) const = default;
};

// Whole rows [first, first + count) of a picture of that height; at least one.
struct RowRange {
  int first = 0;
  int count = 0;
};
RowRange rows_of(const RowBand& band, int height_px);

struct TensorFormat {
  int size_px = 0;   // width of the network input, and its height before `rows` are cut out; 0 = as stored
  int channels = 1;  // 1, or 3 equal ones
  Normalisation normalisation = Normalisation::kDataset;
  RowBand rows = {};
  void list_fields(FieldList& fields);
  bool operator==(const TensorFormat&) const = default;
};

struct TensorShape {
  int channels = 1;
  int height_px = 0;
  int width_px = 0;
  std::size_t size() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height_px) *
           static_cast<std::size_t>(width_px);
  }
  bool operator==(const TensorShape&) const = default;
};

TensorShape tensor_shape(const TensorFormat& format, int height_px, int width_px);

// One image: resize (area average when shrinking, else bilinear), augment, cut out the rows, normalise.
// out: [channels, height, width]; requires out.size() == tensor_shape(...).size().
// The same call serves training, evaluation (identity parameters) and `predict`.
void make_tensor(const GreyView& image, const AugmentParameters& augmentation, const TensorFormat& format,
                 const PixelStatistics& training_pixels, std::span<float> out);

}  // namespace genu::pipeline
