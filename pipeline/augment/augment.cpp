#include "pipeline/augment/augment.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/errors.h"
#include "core/random.h"
#include "pipeline/augment/warp.h"

namespace genu::pipeline {

void AugmentConfig::list_fields(FieldList& fields) {
  fields.add("rotation_deg", rotation_deg, Range{0.0, 180.0}, "rotation drawn from +- this");
  fields.add("zoom", zoom, Range{0.0, 0.9}, "scale factor drawn from 1 +- this");
  fields.add("shift", shift, Range{0.0, 1.0}, "shift drawn from +- this fraction of the side");
  fields.add("flip_probability", flip_probability, Range{0.0, 1.0},
             "chance of a left-right mirror (medial and lateral trade places)");
  fields.add("contrast", contrast, Range{0.0, 1.0}, "contrast factor drawn from 1 +- this");
  fields.add("brightness", brightness, Range{0.0, 1.0}, "brightness drawn from +- this fraction of the grey range");
}

AugmentParameters draw_augmentation(const AugmentConfig& config, std::uint64_t seed, std::uint64_t epoch,
                                    std::uint64_t index) {
  // The stream's 64-bit sample number holds both; an epoch of 2^32 positions is out of reach.
  RandomStream random(seed, epoch << 32 | index, "augment");
  AugmentParameters drawn;
  // Every number is drawn whether used or not: turning one augmentation off leaves the others as they were.
  drawn.rotation_deg = random.uniform(-1, 1) * config.rotation_deg;
  drawn.zoom = 1 + random.uniform(-1, 1) * config.zoom;
  drawn.shift_x = random.uniform(-1, 1) * config.shift;
  drawn.shift_y = random.uniform(-1, 1) * config.shift;
  drawn.flip = random.uniform() < config.flip_probability;
  drawn.contrast = 1 + random.uniform(-1, 1) * config.contrast;
  drawn.brightness = random.uniform(-1, 1) * config.brightness;
  return drawn;
}

void apply_augmentation(const GreyView& image, const AugmentParameters& parameters, std::span<float> out) {
  const auto count = static_cast<std::size_t>(image.height_px) * static_cast<std::size_t>(image.width_px);
  if (!(image.height_px >= 1 && image.height_px <= 4096 && image.width_px >= 1 && image.width_px <= 4096) ||
      out.size() != count) {
    throw InternalError("apply_augmentation: wrong size");
  }
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += image.pixels[i];
  const double mean = static_cast<double>(sum) / static_cast<double>(count);
  const GreyMap grey{static_cast<float>(parameters.contrast),
                     static_cast<float>(mean - mean * parameters.contrast + 255.0 * parameters.brightness)};
  warp_bilinear(image, source_from_output(parameters, image.height_px, image.width_px), grey, out);
}

}  // namespace genu::pipeline
