#include "pipeline/augment/warp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "core/errors.h"
#include "core/random.h"

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

// Where each output pixel of one row reads the source.
struct RowPoints {
  std::vector<float> x;
  std::vector<float> y;
};

void warp_points(const std::uint32_t* __restrict packed, int width_px, int height_px, const RowPoints& at, GreyMap grey,
                 float* __restrict out) {
  const float* __restrict xs = at.x.data();
  const float* __restrict ys = at.y.data();
  const float last_x = static_cast<float>(width_px - 1);
  const float last_y = static_cast<float>(height_px - 1);
  for (int i = 0; i < width_px; ++i) {
    const float at_x = std::min(std::max(xs[i], 0.0f), last_x);
    const float at_y = std::min(std::max(ys[i], 0.0f), last_y);
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
    out[i] = std::min(std::max(value, 0.0f), 255.0f);
  }
}

// Which cell a pixel centre lies in, and the weights of the four control values around it.
struct SplineWeights {
  std::size_t cell = 0;
  std::array<float, 4> weights{};
};

std::vector<SplineWeights> spline_weights(int length_px, int cells) {
  std::vector<SplineWeights> out;
  out.reserve(static_cast<std::size_t>(length_px));
  for (int i = 0; i < length_px; ++i) {
    const double at = (i + 0.5) * cells / length_px;
    const int cell = std::min(static_cast<int>(at), cells - 1);
    const double t = at - cell;
    const double u = 1 - t;
    out.push_back({static_cast<std::size_t>(cell),
                   {static_cast<float>(u * u * u / 6), static_cast<float>((3 * t * t * t - 6 * t * t + 4) / 6),
                    static_cast<float>((3 * u * u * u - 6 * u * u + 4) / 6), static_cast<float>(t * t * t / 6)}});
  }
  return out;
}

// The grid's control values blended down to one row of them.
void blend_grid_rows(const std::vector<float>& grid, std::size_t side, const SplineWeights& down,
                     std::vector<float>& row) {
  for (std::size_t c = 0; c < side; ++c) {
    row[c] = 0;
    for (std::size_t k = 0; k < 4; ++k) row[c] += down.weights[k] * grid[(down.cell + k) * side + c];
  }
}

float blend_grid_columns(const std::vector<float>& row, const SplineWeights& across) {
  float sum = 0;
  for (std::size_t k = 0; k < 4; ++k) sum += across.weights[k] * row[across.cell + k];
  return sum;
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
  const double shear = std::tan(parameters.shear_deg * std::numbers::pi / 180.0);
  AffineMap map{mirror * (cosine - shear * sine), -mirror * (sine + shear * cosine), 0, sine, cosine, 0};
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

ElasticGrid elastic_grid(const AugmentParameters& parameters) {
  if (parameters.elastic_cells < 1) throw InternalError("elastic_grid: no cells");
  const auto side = static_cast<std::size_t>(parameters.elastic_cells + 3);
  ElasticGrid grid{parameters.elastic_cells, std::vector<float>(side * side), std::vector<float>(side * side)};
  RandomStream random(parameters.elastic_seed, 0, "augment.elastic");
  for (std::size_t i = 0; i < side * side; ++i) {
    grid.x[i] = static_cast<float>(random.uniform(-1, 1) * parameters.elastic_shift);
    grid.y[i] = static_cast<float>(random.uniform(-1, 1) * parameters.elastic_shift);
  }
  return grid;
}

void warp_elastic(const GreyView& image, const AffineMap& map, const ElasticGrid& grid, const GreyMap& grey,
                  std::span<float> out) {
  thread_local std::vector<std::uint32_t> packed;
  pack_neighbours(image, packed);
  const auto width = static_cast<std::size_t>(image.width_px);
  const auto side = static_cast<std::size_t>(grid.cells + 3);
  const auto down = spline_weights(image.height_px, grid.cells);
  const auto across = spline_weights(image.width_px, grid.cells);
  std::vector<float> row_x(side);
  std::vector<float> row_y(side);
  RowPoints points{std::vector<float>(width), std::vector<float>(width)};
  for (std::size_t y = 0; y < static_cast<std::size_t>(image.height_px); ++y) {
    blend_grid_rows(grid.x, side, down[y], row_x);
    blend_grid_rows(grid.y, side, down[y], row_y);
    for (std::size_t x = 0; x < width; ++x) {
      const double at_x =
          static_cast<double>(x) + static_cast<double>(blend_grid_columns(row_x, across[x])) * image.width_px;
      const double at_y =
          static_cast<double>(y) + static_cast<double>(blend_grid_columns(row_y, across[x])) * image.height_px;
      points.x[x] = static_cast<float>(map.xx * at_x + map.xy * at_y + map.x0);
      points.y[x] = static_cast<float>(map.yx * at_x + map.yy * at_y + map.y0);
    }
    warp_points(packed.data(), image.width_px, image.height_px, points, grey, out.data() + y * width);
  }
}

}  // namespace genu::pipeline
