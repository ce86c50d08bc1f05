#include "pipeline/decode/png_grey.h"

#include <isa-l.h>

#include <algorithm>
#include <array>
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

// Rows that are unfiltered together, one a lane of a vector (a GCC and Clang extension; any processor can run it).
constexpr std::size_t kLanes = 32;
using Lanes = std::int16_t __attribute__((vector_size(2 * kLanes)));

// All ones in the lanes whose row has this filter.
struct FilterMasks {
  Lanes left{}, up{}, average{}, paeth{};
};

Lanes absolute(Lanes v) { return v < 0 ? -v : v; }

// PNG filters (PNG specification, section 9) in all lanes at once: what to add, given the pixels to the left (a), above
// (b) and at the corner (c).
Lanes predict(const FilterMasks& masks, Lanes a, Lanes b, Lanes c) {
  const Lanes to_left = absolute(b - c);
  const Lanes to_up = absolute(a - c);
  const Lanes to_corner = absolute(a + b - 2 * c);
  const Lanes nearer = to_up <= to_corner ? b : c;
  const Lanes is_left = (to_left <= to_up) & (to_left <= to_corner);
  const Lanes paeth = is_left ? a : nearer;
  return (a & masks.left) | (b & masks.up) | (((a + b) >> 1) & masks.average) | (paeth & masks.paeth);
}

// One row depends on the pixel before and on the row above, so rows are worked on along a slanted front: in step t,
// lane r is at x = t - r, and what lies above it is what lane r - 1 made one step ago. `above` is the finished row over
// lane 0. `slanted` holds input and, afterwards, output at [(x + r) * kLanes + r].
void unfilter_lanes(const FilterMasks& masks, const std::uint8_t* above, std::size_t width,
                    std::vector<std::uint8_t>& slanted) {
  using Bytes = std::uint8_t __attribute__((vector_size(kLanes)));
  std::array<std::int16_t, kLanes + 1> shifted{};  // lane r - 1 at [r]
  Lanes numbers{};
  for (std::size_t r = 0; r < kLanes; ++r) numbers[r] = static_cast<std::int16_t>(r);
  Lanes left{};
  Lanes up{};
  for (std::size_t t = 0; t < width + kLanes - 1; ++t) {
    const Lanes corner = up;
    std::memcpy(shifted.data() + 1, &left, sizeof left);
    shifted[0] = t < width ? above[t] : std::int16_t{0};
    std::memcpy(&up, shifted.data(), sizeof up);
    Bytes bytes;
    std::memcpy(&bytes, slanted.data() + t * kLanes, sizeof bytes);
    const Lanes sum = __builtin_convertvector(bytes, Lanes) + predict(masks, left, up, corner);
    const auto step = static_cast<std::int16_t>(std::min<std::size_t>(t, kLanes));
    left = sum & 255 & (numbers <= step);  // left of the image everything is 0
    bytes = __builtin_convertvector(left, Bytes);
    std::memcpy(slanted.data() + t * kLanes, &bytes, sizeof bytes);
  }
}

// Returns false on a filter that does not exist.
bool set_filter(std::uint8_t filter, std::size_t lane, FilterMasks& masks) {
  if (filter > 4) return false;
  if (filter == 1) masks.left[lane] = -1;
  if (filter == 2) masks.up[lane] = -1;
  if (filter == 3) masks.average[lane] = -1;
  if (filter == 4) masks.paeth[lane] = -1;
  return true;
}

// `filtered`: each row preceded by its filter. pixels: [height, width]. Returns false on a filter that does not exist.
bool unfilter(std::span<const std::uint8_t> filtered, const Header& header, std::vector<std::uint8_t>& pixels) {
  const std::size_t width = header.width;
  thread_local std::vector<std::uint8_t> slanted;  // scratch, used again from image to image
  slanted.resize((width + kLanes - 1) * kLanes);
  const std::vector<std::uint8_t> nothing(width);
  for (std::size_t first = 0; first < header.height; first += kLanes) {
    const std::size_t rows = std::min(kLanes, header.height - first);
    FilterMasks masks;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::uint8_t* in = filtered.data() + (first + r) * (width + 1);
      if (!set_filter(in[0], r, masks)) return false;
      for (std::size_t x = 0; x < width; ++x) slanted[(x + r) * kLanes + r] = in[x + 1];
    }
    unfilter_lanes(masks, first == 0 ? nothing.data() : pixels.data() + (first - 1) * width, width, slanted);
    for (std::size_t r = 0; r < rows; ++r) {
      std::uint8_t* out = pixels.data() + (first + r) * width;
      for (std::size_t x = 0; x < width; ++x) out[x] = slanted[(x + r) * kLanes + r];
    }
  }
  return true;
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
  if (!unfilter(*filtered, parts->header, image.bytes)) return std::nullopt;
  return image;
}

}  // namespace genu::pipeline
