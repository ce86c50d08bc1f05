#include "pipeline/decode/crop.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

// A knee fills a good part of its picture; a box far larger is a slip, and would take memory without bound.
constexpr std::int64_t kMostOfPicture = 4;

std::int64_t area_px(int width_px, int height_px) { return static_cast<std::int64_t>(width_px) * height_px; }

}  // namespace

DecodedImage crop(const DecodedImage& image, const PixelBox& box) {
  const int left = std::max(box.left_px, 0);
  const int right = std::min(box.left_px + box.width_px, image.width_px);
  const int top = std::max(box.top_px, 0);
  const int bottom = std::min(box.top_px + box.height_px, image.height_px);
  if (!(left < right && top < bottom)) {
    throw DataError(fmt::format("the box {} x {} px at ({}, {}) lies outside the picture of {} x {} px; correct it",
                                box.width_px, box.height_px, box.left_px, box.top_px, image.width_px, image.height_px));
  }
  if (area_px(box.width_px, box.height_px) > kMostOfPicture * area_px(image.width_px, image.height_px)) {
    throw DataError(fmt::format("the box {} x {} px covers more than {} times the picture of {} x {} px; correct it",
                                box.width_px, box.height_px, kMostOfPicture, image.width_px, image.height_px));
  }
  const auto depth = static_cast<std::size_t>(image.bit_depth / 8);
  const auto width = static_cast<std::size_t>(box.width_px);
  DecodedImage out{box.width_px, box.height_px, image.bit_depth, {}, image.colour_percent};
  out.bytes.resize(width * static_cast<std::size_t>(box.height_px) * depth);
  for (int y = top; y < bottom; ++y) {
    const std::size_t from =
        static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width_px) + static_cast<std::size_t>(left);
    const std::size_t to =
        static_cast<std::size_t>(y - box.top_px) * width + static_cast<std::size_t>(left - box.left_px);
    std::memcpy(&out.bytes[to * depth], &image.bytes[from * depth], static_cast<std::size_t>(right - left) * depth);
  }
  return out;
}

}  // namespace genu::pipeline
