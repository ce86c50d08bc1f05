#include "pipeline/augment/warp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace genu::pipeline {

namespace {

// Each entry holds the four neighbours that bilinear sampling at (x + f, y + g) needs, edges already replicated: the
// warp then costs one 32-bit gather a pixel. Byte order: (x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1).
void pack_neighbours(const GreyView& image, std::vector<std::uint32_t>& packed) {
  const auto width = static_cast<std::size_t>(image.width_px);
  const auto height = static_cast<std::size_t>(image.height_px);
  packed.resize(width * height);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* upper = image.pixels + y * width;
    const std::uint8_t* lower = y + 1 < height ? upper + width : upper;
    std::uint32_t* out = packed.data() + y * width;
    for (std::size_t x = 0; x + 1 < width; ++x) {
      out[x] = static_cast<std::uint32_t>(upper[x]) | static_cast<std::uint32_t>(upper[x + 1]) << 8 |
               static_cast<std::uint32_t>(lower[x]) << 16 | static_cast<std::uint32_t>(lower[x + 1]) << 24;
    }
    const std::uint32_t a = upper[width - 1];
    const std::uint32_t b = lower[width - 1];
    out[width - 1] = a | a << 8 | b << 16 | b << 24;
  }
}

struct RowStart {
  float x = 0;
  float y = 0;
};

// Plain loop over floats without branches: the compiler turns it into vector code.
void warp_row(const std::uint32_t* __restrict packed, int width_px, int height_px, RowStart start, float step_x,
              float step_y, GreyMap grey, float* __restrict out) {
  const float last_x = static_cast<float>(width_px - 1);
  const float last_y = static_cast<float>(height_px - 1);
  for (int x = 0; x < width_px; ++x) {
    const float at_x = std::min(std::max(start.x + step_x * static_cast<float>(x), 0.0f), last_x);
    const float at_y = std::min(std::max(start.y + step_y * static_cast<float>(x), 0.0f), last_y);
    const int column = static_cast<int>(at_x);
    const int row = static_cast<int>(at_y);
    const float right = at_x - static_cast<float>(column);
    const float down = at_y - static_cast<float>(row);
    const std::uint32_t four = packed[row * width_px + column];
    const float a = static_cast<float>(static_cast<int>(four & 255u));
    const float b = static_cast<float>(static_cast<int>(four >> 8 & 255u));
    const float c = static_cast<float>(static_cast<int>(four >> 16 & 255u));
    const float d = static_cast<float>(static_cast<int>(four >> 24));
    const float upper = a + right * (b - a);
    const float lower = c + right * (d - c);
    const float value = (upper + down * (lower - upper)) * grey.factor + grey.offset;
    out[x] = std::min(std::max(value, 0.0f), 255.0f);
  }
}

}  // namespace

AffineMap source_from_output(const AugmentParameters& parameters, int height_px, int width_px) {
  const double centre_x = 0.5 * (width_px - 1);
  const double centre_y = 0.5 * (height_px - 1);
  const double angle = parameters.rotation_deg * std::numbers::pi / 180.0;
  const double cosine = std::cos(angle) / parameters.zoom;
  const double sine = std::sin(angle) / parameters.zoom;
  const double mirror = parameters.flip ? -1.0 : 1.0;
  // Rows point down, so that a counter-clockwise turn of the picture reads the source turned this way.
  AffineMap map{mirror * cosine, -mirror * sine, 0, sine, cosine, 0};
  const double from_x = centre_x + parameters.shift_x * width_px;
  const double from_y = centre_y + parameters.shift_y * height_px;
  map.x0 = centre_x - map.xx * from_x - map.xy * from_y;
  map.y0 = centre_y - map.yx * from_x - map.yy * from_y;
  return map;
}

void warp_bilinear(const GreyView& image, const AffineMap& map, const GreyMap& grey, std::span<float> out) {
  thread_local std::vector<std::uint32_t> packed;  // scratch: allocating it anew costs more than the warp
  pack_neighbours(image, packed);
  for (int y = 0; y < image.height_px; ++y) {
    const RowStart start{static_cast<float>(map.xy * y + map.x0), static_cast<float>(map.yy * y + map.y0)};
    float* row = out.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width_px);
    warp_row(packed.data(), image.width_px, image.height_px, start, static_cast<float>(map.xx),
             static_cast<float>(map.yx), grey, row);
  }
}

}  // namespace genu::pipeline
