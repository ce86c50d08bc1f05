#include "generator/projection/texture.h"

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>

namespace genu::generator {

namespace {

cv::Mat white_field(std::uint64_t seed, std::uint64_t number) {
  cv::Mat field(kTileSize, kTileSize, CV_32F);
  RandomStream stream(seed, number, "texture tile");
  stream.fill_normal({field.ptr<float>(), static_cast<std::size_t>(kTileSize) * kTileSize});
  return field;
}

struct Band {
  double low = 0;  // cycles per pixel
  double high = 0;
};

// Shapes white noise so that power ~ f^-exponent within the band, with smooth skirts. `stretch` draws it out along y.
cv::Mat shaped(const cv::Mat& white, double exponent, double stretch, const Band& band) {
  cv::Mat spectrum;
  cv::dft(white, spectrum, cv::DFT_COMPLEX_OUTPUT);
  for (int y = 0; y < kTileSize; ++y) {
    const double fy = (y < kTileSize / 2 ? y : y - kTileSize) / static_cast<double>(kTileSize) * stretch;
    auto* row = spectrum.ptr<cv::Vec2f>(y);
    for (int x = 0; x < kTileSize; ++x) {
      const double fx = (x < kTileSize / 2 ? x : x - kTileSize) / static_cast<double>(kTileSize);
      const double f = std::hypot(fx, fy);
      double gain = 0;
      if (f > 0) {
        const double high_pass = 1 / (1 + std::pow(band.low / f, 4));
        const double low_pass = std::exp(-std::pow(f / band.high, 2));
        gain = std::pow(f, -0.5 * exponent) * high_pass * low_pass;
      }
      row[x] *= static_cast<float>(gain);
    }
  }
  cv::Mat field;
  cv::dft(spectrum, field, cv::DFT_INVERSE | cv::DFT_REAL_OUTPUT | cv::DFT_SCALE);
  return field;
}

Image<TileValue> as_tile(const cv::Mat& field, int margin_px) {
  double sum = 0, squares = 0;
  for (int y = 0; y < kTileSize; ++y) {
    for (int x = 0; x < kTileSize; ++x) {
      const double v = field.at<float>(y, x);
      sum += v;
      squares += v * v;
    }
  }
  const double count = static_cast<double>(kTileSize) * kTileSize;
  const double mean = sum / count;
  const double sd = std::sqrt(squares / count - mean * mean);
  Image<TileValue> tile(kTileSize + margin_px, kTileSize);
  for (int y = 0; y < kTileSize; ++y) {
    TileValue* row = tile.row(y);
    for (int x = 0; x < tile.width_px; ++x) {
      const double value = (field.at<float>(y, x & (kTileSize - 1)) - mean) / sd;
      row[x] = static_cast<TileValue>(std::lround(std::clamp(value, -7.99, 7.99) / kTileUnit));
    }
  }
  return tile;
}

}  // namespace

TextureTiles make_textures(const TextureConfig& config, std::uint64_t seed, int size_px, double px_per_mm) {
  const Band band{1 / (config.longest_mm * px_per_mm), 1 / (config.shortest_mm * px_per_mm)};
  TextureTiles tiles;
  tiles.isotropic = as_tile(shaped(white_field(seed, 0), config.spectral_exponent, 1, band), size_px);
  tiles.vertical = as_tile(shaped(white_field(seed, 1), config.spectral_exponent, config.stretch, band), size_px);
  tiles.white_a = as_tile(white_field(seed, 2), size_px);
  tiles.white_b = as_tile(white_field(seed, 3), size_px);
  return tiles;
}

TileOffset random_offset(RandomStream& stream) {
  TileOffset offset;
  offset.x = static_cast<int>(stream.integer(kTileSize));
  offset.y = static_cast<int>(stream.integer(kTileSize));
  offset.sign = stream.bernoulli(0.5) ? 1.0f : -1.0f;
  return offset;
}

}  // namespace genu::generator
