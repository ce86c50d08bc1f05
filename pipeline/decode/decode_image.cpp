#include "pipeline/decode/decode_image.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "pipeline/decode/dicom.h"
#include "pipeline/decode/imgcodecs_module.h"
#include "pipeline/decode/module_loader.h"
#include "pipeline/decode/png_grey.h"

namespace genu::pipeline {

namespace {

enum class FileKind : std::uint8_t { kPng, kJpeg, kBmp, kTiff, kDicom, kUnknown };

FileKind kind_of(std::span<const std::uint8_t> bytes) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 8));
  if (looks_like_png(bytes)) return FileKind::kPng;
  if (head.starts_with("\xFF\xD8\xFF")) return FileKind::kJpeg;
  if (head.starts_with("BM")) return FileKind::kBmp;
  if (head.starts_with(std::string_view("II*\0", 4)) || head.starts_with(std::string_view("MM\0*", 4))) {
    return FileKind::kTiff;
  }
  return looks_like_dicom(bytes) ? FileKind::kDicom : FileKind::kUnknown;
}

// BT.601 luma in 16.16 fixed point, rounded. Returns how many pixels are visibly coloured.
template <class T>
std::size_t luma(const std::uint8_t* rgb_bytes, std::size_t pixels, std::uint8_t* grey_bytes) {
  constexpr int kVisible = kVisibleColour_grey << (8 * (sizeof(T) - 1));
  std::size_t coloured = 0;
  for (std::size_t i = 0; i < pixels; ++i) {
    std::array<T, 3> rgb{};
    std::memcpy(rgb.data(), rgb_bytes + i * sizeof rgb, sizeof rgb);
    const std::uint64_t sum = 19595ull * rgb[0] + 38470ull * rgb[1] + 7471ull * rgb[2];
    const T grey = static_cast<T>((sum + 32768) >> 16);
    std::memcpy(grey_bytes + i * sizeof grey, &grey, sizeof grey);
    const auto [least, most] = std::minmax({rgb[0], rgb[1], rgb[2]});
    coloured += most - least > kVisible ? 1u : 0u;
  }
  return coloured;
}

DecodedImage to_grey(PngImage png) {
  DecodedImage image{png.width_px, png.height_px, png.bit_depth, {}};
  if (png.channels == 1) {
    image.bytes = std::move(png.bytes);
    return image;
  }
  const std::size_t pixels = static_cast<std::size_t>(png.width_px) * static_cast<std::size_t>(png.height_px);
  image.bytes.resize(pixels * static_cast<std::size_t>(png.bit_depth / 8));
  const std::size_t coloured = png.bit_depth == 16 ? luma<std::uint16_t>(png.bytes.data(), pixels, image.bytes.data())
                                                   : luma<std::uint8_t>(png.bytes.data(), pixels, image.bytes.data());
  image.colour_percent = 100.0 * static_cast<double>(coloured) / static_cast<double>(pixels);
  return image;
}

using DecodeFunction = decltype(&genu_imgcodecs_decode);

DecodedImage decode_by_module(std::span<const std::uint8_t> bytes, const std::string& name) {
  // Tried again after a failure.
  static const auto decode = reinterpret_cast<DecodeFunction>(load_module_symbol(
      "libgenu_imgcodecs_module.so", "genu_imgcodecs_decode", "other images than PNG and DICOM", name));
  GenuImgcodecsImage raw{};
  std::array<char, 256> message{};
  if (decode(bytes.data(), bytes.size(), &raw, message.data(), message.size()) != 0) {
    throw DataError(name + ": " + message.data() + "; replace the file or convert it to PNG");
  }
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner(raw.bytes, &std::free);
  const std::size_t size = static_cast<std::size_t>(raw.width_px) * static_cast<std::size_t>(raw.height_px) *
                           static_cast<std::size_t>(raw.bit_depth / 8);
  return {raw.width_px, raw.height_px, raw.bit_depth, {raw.bytes, raw.bytes + size}, raw.colour_percent};
}

// Where the first scan begins, segment by segment from the start of the image; the file's end if there is none. As
// libjpeg does, it passes over fill bytes between segments.
std::size_t first_jpeg_scan(std::span<const std::uint8_t> bytes) {
  constexpr std::uint8_t kStartOfScan = 0xDA;
  std::size_t at = 2;
  while (at < bytes.size()) {
    while (at < bytes.size() && bytes[at] != 0xFF) ++at;
    while (at < bytes.size() && bytes[at] == 0xFF) ++at;
    if (at + 2 >= bytes.size()) break;
    if (bytes[at] == kStartOfScan) return at;
    at += 1 + (static_cast<std::size_t>(bytes[at + 1]) << 8 | bytes[at + 2]);
  }
  return bytes.size();
}

// libjpeg fills what is missing with grey and only warns, so the end-of-image marker is asked for here; behind the
// first scan's start, for a thumbnail in an EXIF segment has one of its own.
void require_jpeg_end(std::span<const std::uint8_t> bytes, const std::string& name) {
  constexpr std::array<std::uint8_t, 2> kEndOfImage = {0xFF, 0xD9};
  const auto scan = bytes.subspan(first_jpeg_scan(bytes));
  if (std::search(scan.begin(), scan.end(), kEndOfImage.begin(), kEndOfImage.end()) == scan.end()) {
    throw DataError(name + ": the JPEG is cut off before its end; replace it");
  }
}

}  // namespace

DecodedImage decode_image(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (bytes.empty()) throw DataError(name + ": empty file; replace it");
  switch (kind_of(bytes)) {
    case FileKind::kPng:
      if (auto image = decode_png_grey(bytes)) return std::move(*image);
      return to_grey(decode_png(bytes, name));
    case FileKind::kJpeg:
      require_jpeg_end(bytes, name);
      return decode_by_module(bytes, name);
    case FileKind::kBmp:
    case FileKind::kTiff:
      return decode_by_module(bytes, name);
    case FileKind::kDicom:
      return decode_dicom(bytes, name).image;
    case FileKind::kUnknown:
      break;
  }
  throw DataError(name + ": not a PNG, JPEG, BMP, TIFF or DICOM image; replace it or correct its name");
}

DecodedImage decode_image_file(const std::filesystem::path& path) {
  return decode_image(read_file(path), path.string());
}

}  // namespace genu::pipeline
