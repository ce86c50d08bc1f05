#include "core/png.h"

#include <spng.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "core/errors.h"

namespace genu {

namespace {

struct ContextDeleter {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using Context = std::unique_ptr<spng_ctx, ContextDeleter>;

constexpr std::uint32_t kLargestSide = 65536;

void check_decode(int result, const std::string& name) {
  if (result != 0) throw DataError(name + ": damaged PNG (" + spng_strerror(result) + "); replace the file");
}

// spng stops at the last pixel; a file cut behind it would pass unseen.
bool has_end_chunk(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint8_t, 12> kEnd = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82};
  return std::find_end(bytes.begin(), bytes.end(), kEnd.begin(), kEnd.end()) != bytes.end();
}

void check_encode(int result) {
  if (result != 0) throw InternalError(std::string("cannot encode a PNG: ") + spng_strerror(result));
}

}  // namespace

bool looks_like_png(std::span<const std::uint8_t> bytes) {
  static constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  return bytes.size() >= kSignature.size() && std::equal(kSignature.begin(), kSignature.end(), bytes.begin());
}

std::vector<std::uint8_t> encode_png(const PngImage& image, int compression_level) {
  const Context context(spng_ctx_new(SPNG_CTX_ENCODER));
  if (!context) throw InternalError("cannot encode a PNG: out of memory");
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width_px);
  header.height = static_cast<std::uint32_t>(image.height_px);
  header.bit_depth = static_cast<std::uint8_t>(image.bit_depth);
  header.color_type = image.channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_GRAYSCALE;
  check_encode(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  check_encode(spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, compression_level));
  check_encode(spng_set_option(context.get(), SPNG_FILTER_CHOICE,
                               compression_level <= 2 ? SPNG_FILTER_CHOICE_SUB : SPNG_FILTER_CHOICE_ALL));
  check_encode(spng_set_ihdr(context.get(), &header));
  check_encode(
      spng_encode_image(context.get(), image.bytes.data(), image.bytes.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int error = 0;
  const std::unique_ptr<void, decltype(&std::free)> buffer(spng_get_png_buffer(context.get(), &size, &error),
                                                           &std::free);
  check_encode(error);
  const auto* begin = static_cast<const std::uint8_t*>(buffer.get());
  return {begin, begin + size};
}

PngImage decode_png(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (bytes.empty()) throw DataError(name + ": empty file; replace it");
  if (!looks_like_png(bytes)) throw DataError(name + ": not a PNG file; replace it or correct its name");
  if (!has_end_chunk(bytes)) throw DataError(name + ": damaged PNG (cut short); replace the file");
  const Context context(spng_ctx_new(0));
  if (!context) throw InternalError("cannot decode a PNG: out of memory");
  check_decode(spng_set_image_limits(context.get(), kLargestSide, kLargestSide), name);
  check_decode(spng_set_png_buffer(context.get(), bytes.data(), bytes.size()), name);
  spng_ihdr header{};
  check_decode(spng_get_ihdr(context.get(), &header), name);

  // 1. Choose the nearest of the four layouts that PngImage knows.
  const bool grey =
      header.color_type == SPNG_COLOR_TYPE_GRAYSCALE || header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
  const bool wide = header.bit_depth == 16;
  PngImage image;
  image.width_px = static_cast<int>(header.width);
  image.height_px = static_cast<int>(header.height);
  image.channels = grey ? 1 : 3;
  image.bit_depth = wide ? 16 : 8;
  const bool native = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth >= 8;
  const bool native_rgb = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR;
  int format = SPNG_FMT_RGBA16;
  std::size_t decoded_channels = 4;
  std::size_t decoded_bytes = 2;
  if (native || native_rgb) {
    format = SPNG_FMT_PNG;
    decoded_channels = native ? 1 : 3;
    decoded_bytes = wide ? 2 : 1;
  } else if (!wide) {
    format = SPNG_FMT_RGBA8;
    decoded_bytes = 1;
  }

  // 2. Decode; spng checks every chunk's CRC and the end of the stream.
  std::size_t size = 0;
  check_decode(spng_decoded_image_size(context.get(), format, &size), name);
  std::vector<std::uint8_t> decoded(size);
  check_decode(spng_decode_image(context.get(), decoded.data(), decoded.size(), format, 0), name);
  check_decode(spng_decode_chunks(context.get()), name);
  if (decoded_channels == static_cast<std::size_t>(image.channels)) {
    image.bytes = std::move(decoded);
    return image;
  }

  // 3. Drop alpha, and for grey the two repeated channels.
  const std::size_t pixels = size / (decoded_channels * decoded_bytes);
  const std::size_t kept = static_cast<std::size_t>(image.channels) * decoded_bytes;
  image.bytes.resize(pixels * kept);
  for (std::size_t i = 0; i < pixels; ++i) {
    const auto* from = decoded.data() + i * decoded_channels * decoded_bytes;
    std::copy(from, from + kept, image.bytes.data() + i * kept);
  }
  return image;
}

}  // namespace genu
