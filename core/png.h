// PNG in memory: the one codec that every room needs, without the start-up cost of a large image library. Read by
// libspng, written over ISA-L and libdeflate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace genu {

// Pixels row by row, channels interleaved, samples in host byte order.
struct PngImage {
  int width_px = 0;
  int height_px = 0;
  int channels = 1;                 // 1 grey, 3 RGB
  int bit_depth = 8;                // 8 or 16
  std::vector<std::uint8_t> bytes;  // height * width * channels * bit_depth / 8
  bool operator==(const PngImage&) const = default;
};

// What a picture shows decides the filter: greys may be worth trying every filter, label maps repeat the row above.
enum class PngContent : std::uint8_t { kPicture, kLabels };

// Deflate effort: 1 (fast, by ISA-L) or 2 .. 12 (small, by libdeflate).
// Up to 2 each row is filtered against the one above, beyond that every row of a picture gets its own best filter.
// The same bytes from every thread and on every processor that the compressors have the same code for:
// x86-64 with AVX2.
// Throws InternalError if size and bytes of `image` do not agree.
std::vector<std::uint8_t> encode_png(const PngImage& image, int compression_level = 1,
                                     PngContent content = PngContent::kPicture);

// Grey stays grey (1, 2 and 4 bits widen to 8), palette and colour become RGB, alpha is dropped, 16 bits stay 16.
// Throws DataError that begins with `name` if the bytes are not a whole, undamaged PNG.
PngImage decode_png(std::span<const std::uint8_t> bytes, const std::string& name);

bool looks_like_png(std::span<const std::uint8_t> bytes);

}  // namespace genu
