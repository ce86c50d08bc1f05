#include "pipeline/augment/augment.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/errors.h"
#include "core/random.h"
#include "pipeline/augment/filters.h"
#include "pipeline/augment/warp.h"

namespace genu::pipeline {

namespace {

// A damaged record may hold anything; a conversion out of range would be undefined.
template <class T>
T whole_number(double value, T most) {
  if (!(value >= 0)) return 0;
  return value >= static_cast<double>(most) ? most : static_cast<T>(value);
}

// Every number is drawn whether used or not: turning one augmentation off leaves the others as they were.
void draw_filters(const AugmentConfig& config, RandomStream& random, AugmentParameters& drawn) {
  drawn.shear_deg = random.uniform(-1, 1) * config.shear_deg;
  const double gamma = std::exp(random.uniform(-1, 1) * std::log1p(config.gamma));
  if (config.gamma > 0) drawn.gamma = gamma;
  drawn.blur_sigma_px = random.uniform() * config.blur_sigma_px;
  drawn.noise_sd_grey = random.uniform() * config.noise_sd_grey;
  const std::uint32_t noise_seed = random.next_u32();
  if (drawn.noise_sd_grey > 0) drawn.noise_seed = noise_seed;
  const bool cut = random.uniform() < config.cutout_probability;
  const double side = random.uniform() * config.cutout_side;
  const double x = random.uniform();
  const double y = random.uniform();
  if (cut && side > 0) {
    drawn.cutout_side = side;
    drawn.cutout_x = x;
    drawn.cutout_y = y;
  }
  drawn.elastic_shift = random.uniform() * config.elastic_shift;
  const std::uint32_t elastic_seed = random.next_u32();
  if (drawn.elastic_shift > 0) {
    drawn.elastic_cells = config.elastic_cells;
    drawn.elastic_seed = elastic_seed;
  }
}

}  // namespace

void AugmentConfig::list_fields(FieldList& fields) {
  fields.add("rotation_deg", rotation_deg, Range{0.0, 180.0}, "rotation drawn from +- this");
  fields.add("zoom", zoom, Range{0.0, 0.9}, "scale factor drawn from 1 +- this");
  fields.add("shift", shift, Range{0.0, 1.0}, "shift drawn from +- this fraction of the side");
  fields.add("flip_probability", flip_probability, Range{0.0, 1.0},
             "chance of a left-right mirror (medial and lateral trade places)");
  fields.add("contrast", contrast, Range{0.0, 1.0}, "contrast factor drawn from 1 +- this");
  fields.add("brightness", brightness, Range{0.0, 1.0}, "brightness drawn from +- this fraction of the grey range");
  fields.add("shear_deg", shear_deg, Range{0.0, 60.0}, "shear drawn from +- this");
  fields.add("gamma", gamma, Range{0.0, 3.0}, "gamma drawn log-uniformly from 1 / (1 + this) to 1 + this");
  fields.add("blur_sigma_px", blur_sigma_px, Range{0.0, 16.0}, "SD of a Gaussian blur, drawn from 0 to this");
  fields.add("noise_sd_grey", noise_sd_grey, Range{0.0, 128.0}, "SD of white noise in grey levels, from 0 to this");
  fields.add("cutout_probability", cutout_probability, Range{0.0, 1.0}, "chance that a square is painted over");
  fields.add("cutout_side", cutout_side, Range{0.0, 1.0}, "its side, drawn from 0 to this fraction of the image's");
  fields.add("elastic_shift", elastic_shift, Range{0.0, 0.2},
             "greatest elastic displacement, drawn from 0 to this fraction of the side");
  fields.add("elastic_cells", elastic_cells, Range{1, kMostElasticCells}, "cells a side of the grid that bends");
}

bool AugmentParameters::needs_filters() const {
  return gamma != 1 || blur_sigma_px > 0 || noise_sd_grey > 0 || cutout_side > 0;
}

AugmentParameters draw_augmentation(const AugmentConfig& config, std::uint64_t seed, std::uint64_t epoch,
                                    std::uint64_t index) {
  // The stream's 64-bit sample number holds both; an epoch of 2^32 positions is out of reach.
  RandomStream random(seed, epoch << 32 | index, "augment");
  AugmentParameters drawn;
  drawn.rotation_deg = random.uniform(-1, 1) * config.rotation_deg;
  drawn.zoom = 1 + random.uniform(-1, 1) * config.zoom;
  drawn.shift_x = random.uniform(-1, 1) * config.shift;
  drawn.shift_y = random.uniform(-1, 1) * config.shift;
  drawn.flip = random.uniform() < config.flip_probability;
  drawn.contrast = 1 + random.uniform(-1, 1) * config.contrast;
  drawn.brightness = random.uniform(-1, 1) * config.brightness;
  draw_filters(config, random, drawn);
  return drawn;
}

const std::array<const char*, kAugmentationNumbers>& augmentation_names() {
  static constexpr std::array<const char*, kAugmentationNumbers> kNames = {
      "rotation_deg", "zoom",      "shift_x",  "shift_y",       "flip",          "contrast",
      "brightness",   "shear_deg", "gamma",    "blur_sigma_px", "noise_sd_grey", "noise_seed",
      "cutout_side",  "cutout_x",  "cutout_y", "elastic_shift", "elastic_cells", "elastic_seed"};
  return kNames;
}

std::array<double, kAugmentationNumbers> augmentation_numbers(const AugmentParameters& a) {
  return {a.rotation_deg,
          a.zoom,
          a.shift_x,
          a.shift_y,
          a.flip ? 1.0 : 0.0,
          a.contrast,
          a.brightness,
          a.shear_deg,
          a.gamma,
          a.blur_sigma_px,
          a.noise_sd_grey,
          static_cast<double>(a.noise_seed),
          a.cutout_side,
          a.cutout_x,
          a.cutout_y,
          a.elastic_shift,
          static_cast<double>(a.elastic_cells),
          static_cast<double>(a.elastic_seed)};
}

AugmentParameters augmentation_from_numbers(std::span<const double> n) {
  if (n.size() != kAugmentationNumbers) throw InternalError("augmentation_from_numbers: wrong count");
  AugmentParameters a;
  a.rotation_deg = n[0];
  a.zoom = n[1];
  a.shift_x = n[2];
  a.shift_y = n[3];
  a.flip = n[4] != 0;
  a.contrast = n[5];
  a.brightness = n[6];
  a.shear_deg = n[7];
  a.gamma = n[8];
  a.blur_sigma_px = n[9];
  a.noise_sd_grey = n[10];
  a.noise_seed = whole_number<std::uint32_t>(n[11], UINT32_MAX);
  a.cutout_side = n[12];
  a.cutout_x = n[13];
  a.cutout_y = n[14];
  a.elastic_shift = n[15];
  a.elastic_cells = whole_number<int>(n[16], kMostElasticCells);
  a.elastic_seed = whole_number<std::uint32_t>(n[17], UINT32_MAX);
  return a;
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
  const AffineMap map = source_from_output(parameters, image.height_px, image.width_px);
  if (parameters.elastic_shift > 0) {
    const ElasticGrid grid = elastic_grid(parameters);
    warp_elastic(image, map, grid, grey, out);
  } else {
    warp_bilinear(image, map, grey, out);
  }
  if (parameters.needs_filters()) {
    apply_filters(parameters, static_cast<float>(mean), image.height_px, image.width_px, out);
  }
}

}  // namespace genu::pipeline
