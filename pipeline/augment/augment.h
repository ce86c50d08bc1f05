// Augmentation: one warp (flip, shear, zoom, rotation, shift, elastic), then contrast, brightness and gamma, then blur,
// noise and cut-out. What is drawn is a plain struct, so that every augmented image can be made again from its record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/config.h"

namespace genu::pipeline {

// How far each parameter may go; 0 turns that one off. All draws are uniform unless said otherwise.
struct AugmentConfig {
  double rotation_deg = 0;        // +- this
  double zoom = 0;                // scale factor 1 +- this
  double shift = 0;               // +- this fraction of the side, each axis on its own
  double flip_probability = 0;    // left-right mirror: medial and lateral trade places
  double contrast = 0;            // factor 1 +- this about the image's mean
  double brightness = 0;          // +- this fraction of the grey range
  double shear_deg = 0;           // +- this
  double gamma = 0;               // exponent between 1 / (1 + this) and 1 + this, log-uniform
  double blur_sigma_px = 0;       // SD of the Gaussian, 0 .. this
  double noise_sd_grey = 0;       // SD of white noise, 0 .. this, grey levels
  double cutout_probability = 0;  // chance that a square is painted over
  double cutout_side = 0.25;      // its side, 0 .. this fraction of the image's
  double elastic_shift = 0;       // greatest displacement, 0 .. this fraction of the side
  int elastic_cells = 4;          // cells a side of the grid that bends
  void list_fields(FieldList& fields);
  bool operator==(const AugmentConfig&) const = default;
};

// One draw. The default is the identity. Lengths in pixels count at the size at which the image is augmented.
struct AugmentParameters {
  double rotation_deg = 0;         // counter-clockwise as seen in the picture
  double zoom = 1;                 // > 1 enlarges
  double shift_x = 0;              // fraction of the width, > 0 moves the content right
  double shift_y = 0;              // fraction of the height, > 0 moves the content down
  bool flip = false;               // left-right, before the rest
  double contrast = 1;             // factor about the mean of the image
  double brightness = 0;           // fraction of 255 added
  double shear_deg = 0;            // before zoom and rotation: lower rows move right by tan(shear) of their distance
  double gamma = 1;                // 255 (grey / 255)^gamma
  double blur_sigma_px = 0;        // 0 = none
  double noise_sd_grey = 0;        // 0 = none
  std::uint32_t noise_seed = 0;    // 0 where there is no noise
  double cutout_side = 0;          // fraction of the side; 0 = none
  double cutout_x = 0;             // centre, fraction of the width; 0 where there is no cut-out
  double cutout_y = 0;             // centre, fraction of the height
  double elastic_shift = 0;        // fraction of the side; 0 = none
  int elastic_cells = 0;           // 0 where nothing bends
  std::uint32_t elastic_seed = 0;  // 0 where nothing bends
  bool operator==(const AugmentParameters&) const = default;
  bool is_identity() const { return *this == AugmentParameters{}; }
  // Whether anything beyond flip, rotation, zoom, shift, contrast and brightness is asked for.
  bool needs_filters() const;
};

// Pure function of its arguments. `index` is the position in the epoch (or the baked variant's sample), < 2^32.
AugmentParameters draw_augmentation(const AugmentConfig& config, std::uint64_t seed, std::uint64_t epoch,
                                    std::uint64_t index);

// How each member is called where it is recorded, in order, and the numbers of one draw. Seeds are whole numbers.
inline constexpr std::size_t kAugmentationNumbers = 18;
const std::array<const char*, kAugmentationNumbers>& augmentation_names();
std::array<double, kAugmentationNumbers> augmentation_numbers(const AugmentParameters& parameters);
// The inverse. Numbers that no draw can give (damage) are taken to the nearest that one can.
AugmentParameters augmentation_from_numbers(std::span<const double> numbers);

// Grey levels [height, width], row by row.
struct GreyView {
  const std::uint8_t* pixels = nullptr;
  int height_px = 0;
  int width_px = 0;
};

// In this order: bilinear warp, centre-anchored, edges replicated; grey = clamp((grey - mean) * contrast + mean +
// 255 * brightness, 0, 255) with the mean of the source image; gamma; Gaussian blur with replicated edges; white noise,
// clamped; a square of the source's mean grey. out: [height, width], grey levels 0..255, not rounded.
// Requires out.size() == height * width and sides in 1..4096.
void apply_augmentation(const GreyView& image, const AugmentParameters& parameters, std::span<float> out);

}  // namespace genu::pipeline
