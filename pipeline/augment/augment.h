// Augmentation: one affine warp (rotation, zoom, shift, flip), then contrast and brightness. What is drawn is a plain
// struct, so that every augmented image can be made again from its record.
#pragma once

#include <cstdint>
#include <span>

#include "core/config.h"

namespace genu::pipeline {

// How far each parameter may go; 0 turns that one off. All draws are uniform.
struct AugmentConfig {
  double rotation_deg = 0;      // +- this
  double zoom = 0;              // scale factor 1 +- this
  double shift = 0;             // +- this fraction of the side, each axis on its own
  double flip_probability = 0;  // left-right mirror: medial and lateral trade places
  double contrast = 0;          // factor 1 +- this about the image's mean
  double brightness = 0;        // +- this fraction of the grey range
  void list_fields(FieldList& fields);
  bool operator==(const AugmentConfig&) const = default;
};

// One draw. The default is the identity.
struct AugmentParameters {
  double rotation_deg = 0;  // counter-clockwise as seen in the picture
  double zoom = 1;          // > 1 enlarges
  double shift_x = 0;       // fraction of the width, > 0 moves the content right
  double shift_y = 0;       // fraction of the height, > 0 moves the content down
  bool flip = false;        // left-right, before the rest
  double contrast = 1;      // factor about the mean of the image
  double brightness = 0;    // fraction of 255 added
  bool operator==(const AugmentParameters&) const = default;
  bool is_identity() const { return *this == AugmentParameters{}; }
};

// Pure function of its arguments. `index` is the position in the epoch (or the baked variant's sample), < 2^32.
AugmentParameters draw_augmentation(const AugmentConfig& config, std::uint64_t seed, std::uint64_t epoch,
                                    std::uint64_t index);

// Grey levels [height, width], row by row.
struct GreyView {
  const std::uint8_t* pixels = nullptr;
  int height_px = 0;
  int width_px = 0;
};

// Bilinear, centre-anchored, edges replicated; then grey = clamp((grey - mean) * contrast + mean + 255 * brightness,
// 0, 255) with the mean of the source image. out: [height, width], grey levels 0..255, not rounded.
// Requires out.size() == height * width and sides in 1..4096.
void apply_augmentation(const GreyView& image, const AugmentParameters& parameters, std::span<float> out);

}  // namespace genu::pipeline
