#include "pipeline/augment/filters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/random.h"

namespace genu::pipeline {

namespace {

// One half of a Gaussian, centre first; the whole sums to 1.
std::vector<float> half_kernel(double sigma_px) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma_px)));
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (sigma_px * sigma_px)));
    sum += (i == 0 ? 1 : 2) * weights.back();
  }
  std::vector<float> half;
  for (const double weight : weights) half.push_back(static_cast<float>(weight / sum));
  return half;
}

// `padded` holds the row with `radius` replicated pixels on each end.
void blur_row(const std::vector<float>& half, std::vector<float>& padded, std::size_t width, float* row) {
  const std::size_t radius = half.size() - 1;
  std::fill_n(padded.begin(), radius, row[0]);
  std::copy_n(row, width, padded.begin() + static_cast<std::ptrdiff_t>(radius));
  std::fill_n(padded.begin() + static_cast<std::ptrdiff_t>(radius + width), radius, row[width - 1]);
  const float* centre = padded.data() + radius;
  for (std::size_t x = 0; x < width; ++x) row[x] = half[0] * centre[x];
  for (std::size_t k = 1; k <= radius; ++k) {
    for (std::size_t x = 0; x < width; ++x) row[x] += half[k] * (centre[x + k] + padded[radius + x - k]);
  }
}

// Whole rows are added up, which vectorises.
void blur_columns(const std::vector<float>& half, std::size_t height, std::size_t width, std::span<float> image) {
  thread_local std::vector<float> source;  // scratch, used again from image to image
  source.assign(image.begin(), image.end());
  const auto row_of = [&](std::size_t y) { return source.data() + y * width; };
  for (std::size_t y = 0; y < height; ++y) {
    float* out = image.data() + y * width;
    const float* own = row_of(y);
    for (std::size_t x = 0; x < width; ++x) out[x] = half[0] * own[x];
    for (std::size_t k = 1; k < half.size(); ++k) {
      const float* above = row_of(y >= k ? y - k : 0);
      const float* below = row_of(std::min(y + k, height - 1));
      for (std::size_t x = 0; x < width; ++x) out[x] += half[k] * (above[x] + below[x]);
    }
  }
}

void cut_out(const CutoutBox& box, float fill_grey, int width_px, std::span<float> image) {
  for (int y = box.top; y < box.bottom; ++y) {
    const auto row = image.begin() + static_cast<std::ptrdiff_t>(y) * width_px;
    std::fill(row + box.left, row + box.right, fill_grey);
  }
}

}  // namespace

void apply_gamma(double gamma, std::span<float> image) {
  constexpr std::size_t kLevels = 4096;
  constexpr float kScale = static_cast<float>(kLevels) / 255.0f;
  thread_local std::array<float, kLevels + 2> table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<float>(255.0 * std::pow(static_cast<double>(i) / kLevels, gamma));
  }
  for (float& grey : image) {
    const float at = grey * kScale;
    const auto level = static_cast<std::size_t>(static_cast<int>(at));
    const float part = at - static_cast<float>(static_cast<int>(at));
    grey = std::min(table[level] + part * (table[level + 1] - table[level]), 255.0f);
  }
}

void apply_blur(double sigma_px, int height_px, int width_px, std::span<float> image) {
  const std::vector<float> half = half_kernel(sigma_px);
  const auto width = static_cast<std::size_t>(width_px);
  const auto height = static_cast<std::size_t>(height_px);
  std::vector<float> padded(width + 2 * (half.size() - 1));
  for (std::size_t y = 0; y < height; ++y) blur_row(half, padded, width, image.data() + y * width);
  blur_columns(half, height, width, image);
}

void add_noise(double sd_grey, std::uint32_t seed, std::span<float> image) {
  thread_local std::vector<float> noise;
  noise.resize(image.size());
  RandomStream(seed, 0, "augment.noise").fill_normal(noise);
  const auto sd = static_cast<float>(sd_grey);
  for (std::size_t i = 0; i < image.size(); ++i) {
    image[i] = std::min(std::max(image[i] + sd * noise[i], 0.0f), 255.0f);
  }
}

CutoutBox cutout_box(const AugmentParameters& parameters, int height_px, int width_px) {
  const double half = 0.5 * parameters.cutout_side * std::min(height_px, width_px);
  const double x = parameters.cutout_x * width_px;
  const double y = parameters.cutout_y * height_px;
  const auto within = [](double at, int limit) {
    return static_cast<int>(std::lround(std::clamp(at, 0.0, static_cast<double>(limit))));
  };
  return {within(x - half, width_px), within(y - half, height_px), within(x + half, width_px),
          within(y + half, height_px)};
}

void apply_filters(const AugmentParameters& parameters, float mean_grey, int height_px, int width_px,
                   std::span<float> image) {
  if (parameters.gamma != 1) apply_gamma(parameters.gamma, image);
  if (parameters.blur_sigma_px > 0) apply_blur(parameters.blur_sigma_px, height_px, width_px, image);
  if (parameters.noise_sd_grey > 0) add_noise(parameters.noise_sd_grey, parameters.noise_seed, image);
  if (parameters.cutout_side > 0) cut_out(cutout_box(parameters, height_px, width_px), mean_grey, width_px, image);
}

}  // namespace genu::pipeline
