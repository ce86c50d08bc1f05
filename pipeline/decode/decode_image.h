// Image files to grey pixels. PNG is read by the core; JPEG, BMP, TIFF and DICOM (dicom.h) by modules that are loaded
// when one comes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace genu::pipeline {

// One grey plane, row by row; 16-bit samples in host byte order.
struct DecodedImage {
  int width_px = 0;
  int height_px = 0;
  int bit_depth = 8;                // 8 or 16
  std::vector<std::uint8_t> bytes;  // height * width * bit_depth / 8
  double colour_percent = 0;        // pixels of the file whose channels differ visibly: see kVisibleColour_grey
  bool operator==(const DecodedImage&) const = default;
};

// Channels further apart than this many of 255 grey levels are colour; JPEG's rounding of grey stays below.
inline constexpr int kVisibleColour_grey = 16;
// From this share of coloured pixels on a picture counts as coloured: a heat map, a photograph, marks drawn in.
inline constexpr double kMostColour_percent = 0.1;

// Colour becomes grey as 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded.
// `name` begins every message. Throws DataError if the bytes are empty, damaged or of no known kind.
DecodedImage decode_image(std::span<const std::uint8_t> bytes, const std::string& name);

// Throws IoError if the file cannot be read, DataError as decode_image().
DecodedImage decode_image_file(const std::filesystem::path& path);

}  // namespace genu::pipeline
