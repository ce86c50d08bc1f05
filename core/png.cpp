#include "core/png.h"

#include <isa-l.h>
#include <libdeflate.h>
#include <spng.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <type_traits>

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

// Deflate makes at most 1,032 bytes of one. A header that asks for more is damaged, and memory for it is never asked
// for.
void check_size(const spng_ihdr& header, std::size_t file_size, const std::string& name) {
  constexpr std::uint64_t kMostInflation = 1032;
  std::uint64_t samples = 1;
  if (header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA) samples = 2;
  if (header.color_type == SPNG_COLOR_TYPE_TRUECOLOR) samples = 3;
  if (header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA) samples = 4;
  const std::uint64_t bits = std::uint64_t{header.width} * header.height * samples * header.bit_depth;
  if (bits / 8 > kMostInflation * file_size) {
    throw DataError(name + ": damaged PNG (too few bytes for its size); replace the file");
  }
}

constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

struct CompressorDeleter {
  void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
};
using Compressor = std::unique_ptr<libdeflate_compressor, CompressorDeleter>;

struct Geometry {
  std::size_t height, row_bytes, pixel_bytes;
  explicit Geometry(const PngImage& image)
      : height(static_cast<std::size_t>(image.height_px)),
        row_bytes(static_cast<std::size_t>(image.width_px) * static_cast<std::size_t>(image.channels) *
                  static_cast<std::size_t>(image.bit_depth / 8)),
        pixel_bytes(static_cast<std::size_t>(image.channels) * static_cast<std::size_t>(image.bit_depth / 8)) {
    if (image.width_px < 1 || image.height_px < 1 || (image.channels != 1 && image.channels != 3) ||
        (image.bit_depth != 8 && image.bit_depth != 16) || image.bytes.size() != height * row_bytes) {
      throw InternalError("cannot encode a PNG: its size and its bytes do not agree");
    }
  }
};

void put_u32(std::uint32_t value, std::uint8_t* out) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

void append_crc(std::size_t from, std::vector<std::uint8_t>& png) {
  const std::uint32_t crc = libdeflate_crc32(0, png.data() + from, png.size() - from);
  png.resize(png.size() + 4);
  put_u32(crc, png.data() + png.size() - 4);
}

void append_chunk(const char* name, std::span<const std::uint8_t> data, std::vector<std::uint8_t>& png) {
  const std::size_t start = png.size();
  png.resize(start + 8);
  put_u32(static_cast<std::uint32_t>(data.size()), png.data() + start);
  std::memcpy(png.data() + start + 4, name, 4);
  png.insert(png.end(), data.begin(), data.end());
  append_crc(start + 4, png);
}

// The filters of the PNG specification (section 9), one row at a time. `left` bytes of distance to the same byte of the
// pixel before; `above` is null for the first row.
enum Filter : std::uint8_t { kNone = 0, kSub = 1, kUp = 2, kAverage = 3, kPaeth = 4 };

int paeth(int a, int b, int c) {
  const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

void filter_row(Filter filter, const std::uint8_t* row, const std::uint8_t* above, std::size_t size, std::size_t left,
                std::uint8_t* out) {
  const auto slow = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const int a = i >= left ? row[i - left] : 0;
      const int b = above != nullptr ? above[i] : 0;
      const int c = above != nullptr && i >= left ? above[i - left] : 0;
      const int guess = filter == kSub       ? a
                        : filter == kUp      ? b
                        : filter == kAverage ? (a + b) / 2
                        : filter == kPaeth   ? paeth(a, b, c)
                                             : 0;
      out[i] = static_cast<std::uint8_t>(row[i] - guess);
    }
  };
  // The two that every picture of a data set goes through vectorise.
  if (filter == kSub) {
    slow(0, std::min(left, size));
    for (std::size_t i = left; i < size; ++i) out[i] = static_cast<std::uint8_t>(row[i] - row[i - left]);
  } else if (filter == kUp && above != nullptr) {
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(row[i] - above[i]);
  } else {
    slow(0, size);
  }
}

// Least sum of absolute differences, the specification's own rule of thumb.
Filter best_filter(const std::uint8_t* row, const std::uint8_t* above, std::size_t size, std::size_t left,
                   std::vector<std::uint8_t>& trial) {
  Filter best = kNone;
  std::size_t least = ~std::size_t{0};
  trial.resize(size);
  for (const Filter filter : {kNone, kSub, kUp, kAverage, kPaeth}) {
    filter_row(filter, row, above, size, left, trial.data());
    std::size_t sum = 0;
    for (const std::uint8_t v : trial) sum += static_cast<std::size_t>(v < 128 ? v : 256 - v);
    if (sum < least) {
      least = sum;
      best = filter;
    }
  }
  return best;
}

// Zeros before and behind the filtered rows. ISA-L compares eight bytes and more at a time and may look past either
// end; what it finds there must not hang on what else lies in memory.
constexpr std::size_t kMargin = 128;

// kMargin zeros, rows in PNG's byte order (big-endian), each behind the number of its filter, and kMargin zeros.
std::vector<std::uint8_t> filter_rows(const PngImage& image, const Geometry& rows, int level, PngContent content) {
  std::vector<std::uint8_t> swapped;
  const std::uint8_t* bytes = image.bytes.data();
  if (image.bit_depth == 16 && std::endian::native == std::endian::little) {
    swapped.resize(image.bytes.size());
    for (std::size_t i = 0; i + 1 < swapped.size(); i += 2) {
      swapped[i] = bytes[i + 1];
      swapped[i + 1] = bytes[i];
    }
    bytes = swapped.data();
  }
  std::vector<std::uint8_t> filtered(rows.height * (rows.row_bytes + 1) + 2 * kMargin);
  std::vector<std::uint8_t> trial;
  for (std::size_t y = 0; y < rows.height; ++y) {
    const std::uint8_t* row = bytes + y * rows.row_bytes;
    const std::uint8_t* above = y > 0 ? row - rows.row_bytes : nullptr;
    Filter filter = y > 0 ? kUp : kSub;
    if (content == PngContent::kPicture && level > 2) {
      filter = best_filter(row, above, rows.row_bytes, rows.pixel_bytes, trial);
    }
    std::uint8_t* out = filtered.data() + kMargin + y * (rows.row_bytes + 1);
    out[0] = filter;
    filter_row(filter, row, above, rows.row_bytes, rows.pixel_bytes, out + 1);
  }
  return filtered;
}

// Where ISA-L's state may lie. Its compressor (2.30, igzip_icf_body: the first byte's path) files the third byte's
// place under a hash of the state's own address, bits 16 to 47, in place of the bytes there: the output then hangs on
// the address where that hash is also one of the first three bytes'. Room for the state at kPlaces addresses, 64 KiB
// apart; one that is none of them is taken, and what is filed there never matches anything.
class FastState {
 public:
  // A state of zeros for `data`, which has at least kLeast bytes.
  isal_zstream& place_for(std::span<const std::uint8_t> data) {
    // The table is no larger than short data can fill.
    const std::size_t slots = std::min<std::size_t>(IGZIP_LVL1_HASH_SIZE, 2 * std::bit_floor(data.size()));
    const auto slot = [&](std::uint32_t bits) { return hash(bits) & static_cast<std::uint32_t>(slots - 1); };
    for (std::size_t place = 0; place < kPlaces; ++place) {
      std::byte* at = room_.get() + place * kStep;
      const auto filed = slot(static_cast<std::uint32_t>(std::bit_cast<std::uintptr_t>(at) >> 16));
      bool taken = false;
      for (std::size_t i = 0; i < 3; ++i) taken |= filed == slot(word(data.data() + i));
      if (!taken) return *new (at) isal_zstream{};
    }
    throw InternalError("cannot encode a PNG: no place for the compressor's state");
  }
  static constexpr std::size_t kLeast = 256;

 private:
  static constexpr std::size_t kPlaces = 32, kStep = std::size_t{1} << 16;
  static_assert(std::is_trivially_destructible_v<isal_zstream> &&
                alignof(isal_zstream) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);

  static std::uint32_t word(const std::uint8_t* bytes) {
    return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24;
  }
  // ISA-L's hash of four bytes: CRC-32C without its inversions.
  static std::uint32_t hash(std::uint32_t bits) {
    for (int i = 0; i < 32; ++i) bits = (bits >> 1) ^ (bits & 1 ? 0x82F63B78u : 0u);
    return bits;
  }

  // Pages that are never touched take no memory.
  std::unique_ptr<std::byte[]> room_ =
      std::make_unique_for_overwrite<std::byte[]>(sizeof(isal_zstream) + kPlaces * kStep);
};

// A zlib stream by ISA-L, written at `start` of `png`, which grows as needed; returns its size, 0 if refused. State and
// tables start from zero each time (microseconds a picture): ISA-L's own initialisation leaves fields as the last
// picture or the stack had them, and the bytes of a file must follow from its pixels alone. Behind the tables come
// tokens, which are written before they are read.
std::size_t append_fast_stream(std::span<const std::uint8_t> data, std::size_t start, std::vector<std::uint8_t>& png) {
  thread_local std::vector<std::uint8_t> tables(ISAL_DEF_LVL1_DEFAULT);
  thread_local FastState state;
  std::fill_n(tables.begin(), ISAL_DEF_LVL1_REQ, std::uint8_t{0});
  isal_zstream& stream = state.place_for(data);
  // Stored blocks of 64 KiB at worst.
  png.resize(start + data.size() + data.size() / 1024 + 64);
  isal_deflate_stateless_init(&stream);
  stream.hist_bits = 0;  // the greatest window
  stream.level = 1;
  stream.level_buf = tables.data();
  stream.level_buf_size = static_cast<std::uint32_t>(tables.size());
  stream.gzip_flag = IGZIP_ZLIB;
  stream.end_of_stream = 1;
  stream.next_in = const_cast<std::uint8_t*>(data.data());  // ISA-L does not write to it
  stream.avail_in = static_cast<std::uint32_t>(data.size());
  stream.next_out = png.data() + start;
  stream.avail_out = static_cast<std::uint32_t>(png.size() - start);
  return isal_deflate_stateless(&stream) == COMP_OK ? stream.total_out : 0;
}

// The same by libdeflate.
std::size_t append_small_stream(std::span<const std::uint8_t> data, int level, std::size_t start,
                                std::vector<std::uint8_t>& png) {
  thread_local std::map<int, Compressor> compressors;
  Compressor& compressor = compressors[level];
  if (!compressor) compressor.reset(libdeflate_alloc_compressor(level));
  if (!compressor) throw InternalError("cannot encode a PNG: out of memory");
  png.resize(start + libdeflate_zlib_compress_bound(compressor.get(), data.size()));
  return libdeflate_zlib_compress(compressor.get(), data.data(), data.size(), png.data() + start, png.size() - start);
}

}  // namespace

bool looks_like_png(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kSignature.size() && std::equal(kSignature.begin(), kSignature.end(), bytes.begin());
}

std::vector<std::uint8_t> encode_png(const PngImage& image, int compression_level, PngContent content) {
  const Geometry rows(image);
  const std::vector<std::uint8_t> padded = filter_rows(image, rows, compression_level, content);
  const std::span<const std::uint8_t> filtered(padded.data() + kMargin, padded.size() - 2 * kMargin);
  std::vector<std::uint8_t> png(kSignature.begin(), kSignature.end());
  std::array<std::uint8_t, 13> header{};
  put_u32(static_cast<std::uint32_t>(image.width_px), header.data());
  put_u32(static_cast<std::uint32_t>(image.height_px), header.data() + 4);
  header[8] = static_cast<std::uint8_t>(image.bit_depth);
  header[9] = image.channels == 3 ? 2 : 0;
  append_chunk("IHDR", header, png);
  // The stream is compressed where it will lie: behind the length and the name of its chunk.
  const std::size_t start = png.size();
  const bool fast = compression_level == 1 && filtered.size() >= FastState::kLeast;
  const std::size_t size = fast ? append_fast_stream(filtered, start + 8, png)
                                : append_small_stream(filtered, compression_level, start + 8, png);
  if (size == 0) throw InternalError("cannot encode a PNG: the compressor refused");
  png.resize(start + 8 + size);
  put_u32(static_cast<std::uint32_t>(size), png.data() + start);
  std::memcpy(png.data() + start + 4, "IDAT", 4);
  append_crc(start + 4, png);
  append_chunk("IEND", {}, png);
  return png;
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
  check_size(header, bytes.size(), name);

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
