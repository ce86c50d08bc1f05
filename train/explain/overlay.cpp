#include "train/explain/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/errors.h"

namespace genu::train {

namespace {

using Colour = std::array<double, 3>;

// Lightness grows with the value, so that the map reads in grey print too.
constexpr std::array<Colour, 5> kColours = {
    {{20, 11, 52}, {106, 23, 110}, {204, 62, 74}, {247, 144, 24}, {252, 244, 160}}};
constexpr double kStrongest = 0.65;  // opacity at the largest value

Colour colour_of(double value) {
  const double position = std::clamp(value, 0.0, 1.0) * (kColours.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(position), kColours.size() - 2);
  const double part = position - static_cast<double>(low);
  Colour out{};
  for (std::size_t c = 0; c < 3; ++c) out[c] = (1 - part) * kColours[low][c] + part * kColours[low + 1][c];
  return out;
}

}  // namespace

PngImage overlay(const pipeline::GreyView& image, std::span<const float> map) {
  const std::size_t size = static_cast<std::size_t>(image.height_px) * static_cast<std::size_t>(image.width_px);
  if (map.size() != size) throw InternalError("an explanation and its image differ in size");
  const float largest = map.empty() ? 0.0F : *std::max_element(map.begin(), map.end());
  PngImage out{image.width_px, image.height_px, 3, 8, std::vector<std::uint8_t>(3 * size)};
  for (std::size_t i = 0; i < size; ++i) {
    const double value = largest > 0 ? static_cast<double>(map[i] / largest) : 0.0;
    const double opacity = kStrongest * std::sqrt(value);
    const Colour colour = colour_of(value);
    for (std::size_t c = 0; c < 3; ++c) {
      const double mixed = (1 - opacity) * static_cast<double>(image.pixels[i]) + opacity * colour[c];
      out.bytes[3 * i + c] = static_cast<std::uint8_t>(std::lround(std::clamp(mixed, 0.0, 255.0)));
    }
  }
  return out;
}

PngImage tile(const std::vector<std::vector<PngImage>>& rows) {
  constexpr int kGap = 2;
  int width = 0, height = 0;
  std::size_t most = 0;
  for (const auto& row : rows) {
    most = std::max(most, row.size());
    for (const PngImage& picture : row) {
      width = picture.width_px;
      height = picture.height_px;
    }
  }
  if (most == 0) throw InternalError("no picture to put on a sheet");
  PngImage sheet{
      static_cast<int>(most) * (width + kGap) - kGap, static_cast<int>(rows.size()) * (height + kGap) - kGap, 3, 8, {}};
  const auto stride = static_cast<std::size_t>(sheet.width_px) * 3;
  sheet.bytes.assign(stride * static_cast<std::size_t>(sheet.height_px), 0);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t k = 0; k < rows[r].size(); ++k) {
      const PngImage& picture = rows[r][k];
      if (picture.width_px != width || picture.height_px != height || picture.channels != 3) {
        throw InternalError("pictures of a sheet differ in size");
      }
      const auto line = static_cast<std::size_t>(width) * 3;
      for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
        std::copy_n(picture.bytes.begin() + static_cast<std::ptrdiff_t>(y * line), line,
                    sheet.bytes.begin() +
                        static_cast<std::ptrdiff_t>((r * static_cast<std::size_t>(height + kGap) + y) * stride +
                                                    k * static_cast<std::size_t>(width + kGap) * 3));
      }
    }
  }
  return sheet;
}

}  // namespace genu::train
