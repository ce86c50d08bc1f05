#include "pipeline/decode/png_grey.h"

#include <isa-l.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/png.h"
#include "pipeline/shard/deflate.h"

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

// Rows that are unfiltered together, one a byte of a vector (a GCC and Clang extension; any processor can run it, AVX2
// holds one in a register).
constexpr std::size_t kLanes = 32;
using Lanes = std::uint8_t __attribute__((vector_size(kLanes)));

// All ones in the lanes whose row has this filter.
struct FilterMasks {
  Lanes left{}, up{}, average{}, paeth{};
};

Lanes distance(Lanes a, Lanes b) { return a > b ? a - b : b - a; }

// PNG filters (PNG specification, section 9) in all lanes at once: what to add, given the pixels to the left (a), above
// (b) and at the corner (c). Everything stays within 8 bits: |a + b - 2c| is |a - c| + |b - c| where both differences
// have one sign (saturated at 255, which is never the least then) and their distance where they have not.
Lanes predict(const FilterMasks& masks, Lanes a, Lanes b, Lanes c) {
  const Lanes to_left = distance(b, c);
  const Lanes to_up = distance(a, c);
  const Lanes sum = to_left + to_up;
  const Lanes one_sign = reinterpret_cast<Lanes>((a > c) == (b > c));
  const Lanes saturated = sum | reinterpret_cast<Lanes>(sum < to_left);
  const Lanes apart = distance(to_left, to_up);
  const Lanes to_corner = (saturated & one_sign) | (apart & ~one_sign);
  const Lanes nearer = to_up <= to_corner ? b : c;
  const Lanes paeth = (to_left <= to_up) & (to_left <= to_corner) ? a : nearer;
  const Lanes average = (a & b) + ((a ^ b) >> 1);
  return (a & masks.left) | (b & masks.up) | (average & masks.average) | (paeth & masks.paeth);
}

// One row depends on the pixel before and on the row above, so rows are worked on along a slanted front: in step t,
// lane r is at x = t - r, and what lies above it is what lane r - 1 made one step ago. `above` is the finished row over
// lane 0. `slanted` holds input and, afterwards, output at [(x + r) * kLanes + r]; it must be 0 left of the image
// (x < 0), where filters then give 0 by themselves.
void unfilter_lanes(const FilterMasks& masks, const std::uint8_t* above, std::size_t width, std::uint8_t* slanted) {
  Lanes left{};
  Lanes up{};
  for (std::size_t t = 0; t < width + kLanes - 1; ++t) {
    const Lanes corner = up;
    Lanes first{};
    first[0] = t < width ? above[t] : std::uint8_t{0};
    up = __builtin_shufflevector(left, first, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
                                 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
    Lanes bytes;
    std::memcpy(&bytes, slanted + t * kLanes, sizeof bytes);
    left = bytes + predict(masks, left, up, corner);
    std::memcpy(slanted + t * kLanes, &left, sizeof left);
  }
}

// Returns false on a filter that does not exist.
bool set_filter(std::uint8_t filter, std::size_t lane, FilterMasks& masks) {
  if (filter > 4) return false;
  if (filter == 1) masks.left[lane] = 0xff;
  if (filter == 2) masks.up[lane] = 0xff;
  if (filter == 3) masks.average[lane] = 0xff;
  if (filter == 4) masks.paeth[lane] = 0xff;
  return true;
}

// Turns 8 x 8 bytes: byte k of row i goes to byte i of row k. Three rounds of interleaving. Halves of vectors travel as
// 64-bit words: through arrays of bytes GCC sends them by way of the stack, which took twice as long.
constexpr std::size_t kTile = 8;
void transpose_tile(const std::uint8_t* from, std::size_t from_stride, std::uint8_t* to, std::size_t to_stride) {
  using Bytes = std::uint8_t __attribute__((vector_size(16)));
  using Pairs = std::uint16_t __attribute__((vector_size(16)));
  using Quads = std::uint32_t __attribute__((vector_size(16)));
  using Words = std::uint64_t __attribute__((vector_size(16)));
  const auto two_rows = [&](std::size_t i) {
    std::uint64_t even = 0;
    std::uint64_t odd = 0;
    std::memcpy(&even, from + 2 * i * from_stride, kTile);
    std::memcpy(&odd, from + (2 * i + 1) * from_stride, kTile);
    const auto a = reinterpret_cast<Bytes>(Words{even, 0});
    const auto b = reinterpret_cast<Bytes>(Words{odd, 0});
    return reinterpret_cast<Pairs>(
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  };
  const auto low = [](Pairs a, Pairs b) {
    return reinterpret_cast<Quads>(__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
  };
  const auto high = [](Pairs a, Pairs b) {
    return reinterpret_cast<Quads>(__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15));
  };
  const auto store = [&](std::size_t i, Quads columns) {
    const auto words = reinterpret_cast<Words>(columns);
    const std::uint64_t first = words[0];
    const std::uint64_t second = words[1];
    std::memcpy(to + i * to_stride, &first, kTile);
    std::memcpy(to + (i + 1) * to_stride, &second, kTile);
  };
  const Pairs rows_01 = two_rows(0);
  const Pairs rows_23 = two_rows(1);
  const Pairs rows_45 = two_rows(2);
  const Pairs rows_67 = two_rows(3);
  const Quads low_0 = low(rows_01, rows_23);
  const Quads low_4 = low(rows_45, rows_67);
  const Quads high_0 = high(rows_01, rows_23);
  const Quads high_4 = high(rows_45, rows_67);
  store(0, __builtin_shufflevector(low_0, low_4, 0, 4, 1, 5));
  store(2, __builtin_shufflevector(low_0, low_4, 2, 6, 3, 7));
  store(4, __builtin_shufflevector(high_0, high_4, 0, 4, 1, 5));
  store(6, __builtin_shufflevector(high_0, high_4, 2, 6, 3, 7));
}

// What a band of rows is worked on in. Rows stand in `rows` with kLanes zeros before them, so that the
// slanted front may begin outside the image.
struct Front {
  std::size_t width = 0;
  std::size_t steps = 0;   // a multiple of kTile
  std::size_t stride = 0;  // of `rows`
  std::vector<std::uint8_t> rows;
  std::vector<std::uint8_t> slanted;

  explicit Front(std::size_t image_width)
      : width(image_width),
        steps((width + kLanes - 1 + kTile - 1) / kTile * kTile),
        stride(kLanes + steps),
        rows(kLanes * stride),
        slanted(kLanes * steps) {}
  std::uint8_t* row(std::size_t r) { return rows.data() + r * stride + kLanes; }

  enum class Direction : std::uint8_t { kToFront, kFromFront };
  void turn(Direction direction) {
    for (std::size_t t = 0; t < steps; t += kTile) {
      for (std::size_t r = 0; r < kLanes; r += kTile) {
        std::uint8_t* in_rows = row(r) + t - r;  // row r + i is one pixel behind row r + i - 1
        std::uint8_t* in_front = slanted.data() + t * kLanes + r;
        if (direction == Direction::kToFront) {
          transpose_tile(in_rows, stride - 1, in_front, kLanes);
        } else {
          transpose_tile(in_front, kLanes, in_rows, stride - 1);
        }
      }
    }
  }
};

// `filtered`: each row preceded by its filter. pixels: [height, width]. Returns false on a filter that does not exist.
bool unfilter(std::span<const std::uint8_t> filtered, const Header& header, std::vector<std::uint8_t>& pixels) {
  const std::size_t width = header.width;
  thread_local Front front(width);  // used again from image to image
  if (front.width != width) front = Front(width);
  const std::vector<std::uint8_t> nothing(width);
  for (std::size_t first = 0; first < header.height; first += kLanes) {
    const std::size_t rows = std::min(kLanes, header.height - first);
    FilterMasks masks;
    std::fill(front.rows.begin(), front.rows.end(), std::uint8_t{0});
    for (std::size_t r = 0; r < rows; ++r) {
      const std::uint8_t* in = filtered.data() + (first + r) * (width + 1);
      if (!set_filter(in[0], r, masks)) return false;
      std::copy_n(in + 1, width, front.row(r));
    }
    front.turn(Front::Direction::kToFront);
    const std::uint8_t* above = first == 0 ? nothing.data() : pixels.data() + (first - 1) * width;
    unfilter_lanes(masks, above, width, front.slanted.data());
    front.turn(Front::Direction::kFromFront);
    for (std::size_t r = 0; r < rows; ++r) std::copy_n(front.row(r), width, pixels.data() + (first + r) * width);
  }
  return true;
}

}  // namespace

std::optional<DecodedImage> decode_png_grey(std::span<const std::uint8_t> bytes) {
  if (!looks_like_png(bytes)) return std::nullopt;
  const auto parts = read_parts(bytes);
  if (!parts) return std::nullopt;
  const auto [width, height] = parts->header;
  thread_local std::vector<std::uint8_t> filtered;  // scratch, used again from image to image
  filtered.resize(height * (width + 1));
  if (!inflate_zlib(parts->deflated, filtered)) return std::nullopt;
  DecodedImage image{static_cast<int>(width), static_cast<int>(height), 8, std::vector<std::uint8_t>(width * height)};
  if (!unfilter(filtered, parts->header, image.bytes)) return std::nullopt;
  return image;
}

}  // namespace genu::pipeline
