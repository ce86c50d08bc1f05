#include "pipeline/decode/png_grey.h"

#include <isa-l.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/png.h"

namespace genu::pipeline {

namespace {

constexpr std::size_t kSignatureSize = 8;
constexpr std::uint32_t kLargestSide = 16384;

std::uint32_t big_endian(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

struct Header {
  std::size_t width = 0;
  std::size_t height = 0;
};

// IHDR of 8-bit grey without interlace, or nothing.
std::optional<Header> read_header(std::span<const std::uint8_t> data) {
  if (data.size() != 13) return std::nullopt;
  const std::uint32_t width = big_endian(data.data());
  const std::uint32_t height = big_endian(data.data() + 4);
  const bool sane = width >= 1 && width <= kLargestSide && height >= 1 && height <= kLargestSide;
  const bool plain = data[8] == 8 && data[9] == 0 && data[10] == 0 && data[11] == 0 && data[12] == 0;
  if (!sane || !plain) return std::nullopt;
  return Header{width, height};
}

struct Parts {
  Header header;
  std::vector<std::uint8_t> deflated;  // all IDAT data
};

// Walks the chunks, checking each CRC, up to IEND at the very end.
std::optional<Parts> read_parts(std::span<const std::uint8_t> bytes) {
  Parts parts;
  bool has_header = false;
  std::size_t at = kSignatureSize;
  while (bytes.size() - at >= 12) {
    const std::size_t length = big_endian(bytes.data() + at);
    if (length > bytes.size() - at - 12) return std::nullopt;
    const auto typed = bytes.subspan(at + 4, length + 4);
    const std::uint32_t crc = crc32_gzip_refl(0, typed.data(), typed.size());
    if (crc != big_endian(bytes.data() + at + 8 + length)) return std::nullopt;
    const std::string_view type(reinterpret_cast<const char*>(typed.data()), 4);
    const auto data = typed.subspan(4);
    at += length + 12;
    if (type == "IHDR") {
      const auto header = read_header(data);
      if (!header || has_header) return std::nullopt;
      parts.header = *header;
      has_header = true;
    } else if (type == "IDAT") {
      parts.deflated.insert(parts.deflated.end(), data.begin(), data.end());
    } else if (type == "IEND") {
      if (!has_header) return std::nullopt;
      return parts;
    } else if (type == "PLTE" || type == "tRNS" || (typed[0] & 0x20) == 0) {
      return std::nullopt;  // changes how pixels are to be read
    }
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> inflate(std::span<const std::uint8_t> deflated, std::size_t size) {
  std::vector<std::uint8_t> out(size);
  inflate_state state;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_ZLIB;
  state.next_in = const_cast<std::uint8_t*>(deflated.data());
  state.avail_in = static_cast<std::uint32_t>(deflated.size());
  state.next_out = out.data();
  state.avail_out = static_cast<std::uint32_t>(out.size());
  // With one byte of room left unfilled a longer stream would go unnoticed, so the end of the stream is asked for.
  const int result = isal_inflate(&state);
  if (result != ISAL_DECOMP_OK || state.avail_out != 0 || state.block_state != ISAL_BLOCK_FINISH) return std::nullopt;
  return out;
}

std::uint8_t paeth(int left, int up, int corner) {
  const int to_left = std::abs(up - corner);
  const int to_up = std::abs(left - corner);
  const int to_corner = std::abs(left + up - 2 * corner);
  const int nearest = to_up <= to_corner ? up : corner;
  return static_cast<std::uint8_t>(to_left <= to_up && to_left <= to_corner ? left : nearest);
}

// PNG filters of one row (PNG specification, section 9); `up` is the row above, all zero for the first.
bool unfilter_row(std::uint8_t filter, const std::uint8_t* in, const std::uint8_t* up, std::size_t width,
                  std::uint8_t* out) {
  const auto add = [](int a, int b) { return static_cast<std::uint8_t>(a + b); };
  switch (filter) {
    case 0:
      std::memcpy(out, in, width);
      return true;
    case 1:
      out[0] = in[0];
      for (std::size_t x = 1; x < width; ++x) out[x] = add(in[x], out[x - 1]);
      return true;
    case 2:
      for (std::size_t x = 0; x < width; ++x) out[x] = add(in[x], up[x]);
      return true;
    case 3:
      out[0] = add(in[0], up[0] / 2);
      for (std::size_t x = 1; x < width; ++x) out[x] = add(in[x], (out[x - 1] + up[x]) / 2);
      return true;
    case 4:
      out[0] = add(in[0], up[0]);
      for (std::size_t x = 1; x < width; ++x) out[x] = add(in[x], paeth(out[x - 1], up[x], up[x - 1]));
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<DecodedImage> decode_png_grey(std::span<const std::uint8_t> bytes) {
  if (!looks_like_png(bytes)) return std::nullopt;
  const auto parts = read_parts(bytes);
  if (!parts) return std::nullopt;
  const auto [width, height] = parts->header;
  const auto filtered = inflate(parts->deflated, height * (width + 1));
  if (!filtered) return std::nullopt;
  DecodedImage image{static_cast<int>(width), static_cast<int>(height), 8, std::vector<std::uint8_t>(width * height)};
  const std::vector<std::uint8_t> nothing_above(width);
  for (std::size_t y = 0; y < height; ++y) {
    const std::uint8_t* in = filtered->data() + y * (width + 1);
    std::uint8_t* out = image.bytes.data() + y * width;
    const std::uint8_t* up = y == 0 ? nothing_above.data() : out - width;
    if (!unfilter_row(in[0], in + 1, up, width, out)) return std::nullopt;
  }
  return image;
}

}  // namespace genu::pipeline
