// Periodic random tiles: trabecular fields and white noise, made once a run and read at random offsets.
#pragma once

#include <cstdint>

#include "core/random.h"
#include "generator/projection/image.h"

namespace genu::generator {

// Edge of a tile before its rows are repeated for contiguous reading. A power of two.
inline constexpr int kTileSize = 512;

// Values are kept in 16 bits: all four tiles stay in a processor's outer cache, where as floats they did not.
using TileValue = std::int16_t;
inline constexpr float kTileUnit = 1.0f / 4096;

struct TextureTiles {
  // Each [kTileSize rows, kTileSize + margin columns], in kTileUnit: mean 0, SD 1, held at +-7.99; the right margin
  // repeats the left columns.
  Image<TileValue> isotropic;  // band-limited fractal
  Image<TileValue> vertical;   // the same, drawn out along y
  Image<TileValue> white_a;
  Image<TileValue> white_b;
};

struct TextureConfig {
  double spectral_exponent = 1.5;  // power ~ f^-beta, spec 5.4
  double stretch = 4.0;            // of the vertical field
  double longest_mm = 12.0;
  double shortest_mm = 0.42;
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
inline const TileValue* tile_row(const Image<TileValue>& tile, const TileOffset& offset, int y) {
  return tile.row((y + offset.y) & (kTileSize - 1)) + offset.x;
}

}  // namespace genu::generator
