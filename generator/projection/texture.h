// Periodic random tiles: trabecular fields and white noise, made once a run and read at random offsets.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "generator/projection/image.h"

namespace genu::generator {

// Edge of a tile before its rows are repeated for contiguous reading. A power of two.
inline constexpr int kTileSize = 512;

struct TextureTiles {
  // Each [kTileSize rows, kTileSize + margin columns], mean 0, SD 1; the right margin repeats the left columns.
  Image<float> isotropic;  // band-limited fractal
  Image<float> vertical;   // the same, drawn out along y
  Image<float> white_a;
  Image<float> white_b;
};

struct TextureConfig {
  double spectral_exponent = 2.2;  // power ~ f^-beta, spec 5.4
  double stretch = 4.0;            // of the vertical field
  double longest_mm = 3.0;
  double shortest_mm = 0.5;
};

// `size_px` is the width of the images that will read the tiles; `px_per_mm` their typical scale.
TextureTiles make_textures(const TextureConfig& config, std::uint64_t seed, int size_px, double px_per_mm);

// Where one sample reads a tile.
struct TileOffset {
  int x = 0;
  int y = 0;
  float sign = 1;
};
TileOffset random_offset(RandomStream& stream);

// Contiguous values for image row y, at least as many as the image is wide.
inline const float* tile_row(const Image<float>& tile, const TileOffset& offset, int y) {
  return tile.row((y + offset.y) & (kTileSize - 1)) + offset.x;
}

}  // namespace genu::generator
