#include "pipeline/decode/decode_image.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <span>
#include <string>

#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "core/random.h"
#include "pipeline/decode/png_grey.h"
#include "tests/pipeline/test_images.h"

namespace genu::pipeline {
namespace {

std::string message_of(const std::vector<std::uint8_t>& bytes) {
  try {
    static_cast<void>(decode_image(bytes, "knee.png"));
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

PngImage random_picture(int width_px, int height_px, std::uint64_t seed, std::uint32_t levels) {
  RandomStream random(seed, 0, "test.png");
  PngImage image{width_px, height_px, 1, 8, {}};
  int value = 0;
  for (int i = 0; i < width_px * height_px; ++i) {
    value += static_cast<int>(random.integer(levels)) - static_cast<int>(levels / 2);
    image.bytes.push_back(static_cast<std::uint8_t>(value));
  }
  return image;
}

// Level 9 lets the encoder choose among all five filters row by row.
TEST(FastPng, EqualsTheGeneralDecoder) {
  std::uint64_t seed = 0;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 40}, {40, 1}, {31, 17}, {224, 224}, {257, 100}}) {
    for (const std::uint32_t levels : {1u, 5u, 256u}) {
      for (const int compression : {1, 9}) {
        const PngImage image = random_picture(width, height, ++seed, levels);
        const auto bytes = encode_png(image, compression);
        const auto fast = decode_png_grey(bytes);
        ASSERT_TRUE(fast.has_value());
        EXPECT_EQ(fast->bytes, decode_png(bytes, "x").bytes);
        EXPECT_EQ(fast->width_px, width);
        EXPECT_EQ(fast->height_px, height);
      }
    }
  }
}

void append_big_endian(std::uint32_t value, std::vector<std::uint8_t>& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void append_chunk(const std::string& type, const std::vector<std::uint8_t>& data, std::vector<std::uint8_t>& out) {
  append_big_endian(static_cast<std::uint32_t>(data.size()), out);
  const std::size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  append_big_endian(crc32(std::span(out).subspan(begin)), out);
}

// A PNG whose filtered rows are given as they are: one stored deflate block. Fewer than 65,536 bytes.
std::vector<std::uint8_t> png_of_filtered_rows(int width_px, int height_px, const std::vector<std::uint8_t>& rows) {
  const auto size = static_cast<std::uint32_t>(rows.size());
  std::vector<std::uint8_t> zlib = {0x78,
                                    0x01,
                                    0x01,
                                    static_cast<std::uint8_t>(size),
                                    static_cast<std::uint8_t>(size >> 8),
                                    static_cast<std::uint8_t>(~size),
                                    static_cast<std::uint8_t>(~size >> 8)};
  zlib.insert(zlib.end(), rows.begin(), rows.end());
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const std::uint8_t byte : rows) a = (a + byte) % 65521, b = (b + a) % 65521;
  append_big_endian(b << 16 | a, zlib);
  std::vector<std::uint8_t> header;
  append_big_endian(static_cast<std::uint32_t>(width_px), header);
  append_big_endian(static_cast<std::uint32_t>(height_px), header);
  const std::array<std::uint8_t, 5> grey_8_bits = {8, 0, 0, 0, 0};
  header.insert(header.end(), grey_8_bits.begin(), grey_8_bits.end());
  std::vector<std::uint8_t> png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  append_chunk("IHDR", header, png);
  append_chunk("IDAT", zlib, png);
  append_chunk("IEND", {}, png);
  return png;
}

// Encoders seldom choose every filter, so rows of random bytes under each filter are decoded by both.
TEST(FastPng, EveryFilterEqualsTheGeneralDecoder) {
  for (const int width : {1, 2, 33, 200}) {
    RandomStream random(static_cast<std::uint64_t>(width), 0, "test.filters");
    std::vector<std::uint8_t> rows;
    for (int y = 0; y < 50; ++y) {
      rows.push_back(static_cast<std::uint8_t>(y < 5 ? y : random.integer(5)));
      for (int x = 0; x < width; ++x) rows.push_back(static_cast<std::uint8_t>(random.integer(y % 2 == 0 ? 3 : 256)));
    }
    const auto png = png_of_filtered_rows(width, 50, rows);
    const auto fast = decode_png_grey(png);
    ASSERT_TRUE(fast.has_value());
    EXPECT_EQ(fast->bytes, decode_png(png, "x").bytes) << width;
    auto short_rows = rows;
    short_rows.pop_back();
    EXPECT_FALSE(decode_png_grey(png_of_filtered_rows(width, 50, short_rows)).has_value());
    auto long_rows = rows;
    long_rows.push_back(0);
    EXPECT_FALSE(decode_png_grey(png_of_filtered_rows(width, 50, long_rows)).has_value());
    rows[0] = 5;
    EXPECT_FALSE(decode_png_grey(png_of_filtered_rows(width, 50, rows)).has_value());
  }
}

TEST(FastPng, LeavesOtherKindsToTheGeneralDecoder) {
  PngImage rgb{8, 8, 3, 8, std::vector<std::uint8_t>(192, 9)};
  PngImage deep{8, 8, 1, 16, std::vector<std::uint8_t>(128, 9)};
  EXPECT_FALSE(decode_png_grey(encode_png(rgb)).has_value());
  EXPECT_FALSE(decode_png_grey(encode_png(deep)).has_value());
}

TEST(DecodeImage, TruncationAnywhereIsOneClearLine) {
  const auto whole = encode_png(knee_like(1, 64));
  for (std::size_t size = 1; size < whole.size(); size += 37) {
    const std::string message = message_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    EXPECT_TRUE(message.starts_with("knee.png: ")) << size << ": " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

TEST(DecodeImage, AFlippedByteIsNeverDecodedToOtherPixels) {
  const PngImage image = knee_like(1, 64);
  const auto whole = encode_png(image);
  for (std::size_t at = 8; at < whole.size(); at += 29) {
    auto damaged = whole;
    damaged[at] ^= 0x40;
    try {
      EXPECT_EQ(decode_image(damaged, "x").bytes, image.bytes) << at;
    } catch (const DataError&) {
    }
  }
}

TEST(DecodeImage, NamesWhatIsWrong) {
  EXPECT_NE(message_of({}).find("empty file"), std::string::npos);
  const std::string text = "not a picture at all";
  EXPECT_NE(message_of({text.begin(), text.end()}).find("not a PNG, JPEG, BMP, TIFF or DICOM"), std::string::npos);
}

TEST(DecodeImage, ColourBecomesLuma) {
  PngImage rgb{2, 1, 3, 8, {255, 0, 0, 10, 200, 30}};
  const auto grey = decode_image(encode_png(rgb), "x");
  EXPECT_EQ(grey.bytes, (std::vector<std::uint8_t>{76, 124}));  // 0.299 * 255; 0.299 * 10 + 0.587 * 200 + 0.114 * 30
  EXPECT_EQ(grey.bit_depth, 8);
}

TEST(DecodeImage, SixteenBitsStay) {
  PngImage deep{2, 1, 1, 16, {0x34, 0x12, 0xFF, 0xFF}};
  const auto image = decode_image(encode_png(deep), "x");
  EXPECT_EQ(image.bit_depth, 16);
  EXPECT_EQ(image.bytes, deep.bytes);
}

// A 24-bit BMP of 2 x 2 grey pixels, by hand (rows from the bottom, padded to four bytes).
TEST(DecodeImage, BmpComesThroughTheModule) {
  std::vector<std::uint8_t> bmp(54 + 16, 0);
  const auto put = [&](std::size_t at, std::uint32_t value) { std::memcpy(bmp.data() + at, &value, 4); };
  bmp[0] = 'B';
  bmp[1] = 'M';
  put(2, 70);
  put(10, 54);
  put(14, 40);
  put(18, 2);
  put(22, 2);
  bmp[26] = 1;
  bmp[28] = 24;
  const std::array<std::uint8_t, 4> grey = {10, 20, 30, 40};  // top left, top right, bottom left, bottom right
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t row = i < 2 ? 1 : 0;
    for (std::size_t c = 0; c < 3; ++c) bmp[54 + row * 8 + (i % 2) * 3 + c] = grey[i];
  }
  const auto image = decode_image(bmp, "x.bmp");
  EXPECT_EQ(image.bytes, (std::vector<std::uint8_t>{10, 20, 30, 40}));
  bmp.resize(40);
  EXPECT_THROW(decode_image(bmp, "x.bmp"), DataError);
}

TEST(DecodeImage, ACutJpegIsRefused) {
  const std::vector<std::uint8_t> cut = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0};
  EXPECT_NE(message_of(cut).find("cut off"), std::string::npos);
}

void append_segment(std::uint8_t marker, const std::vector<std::uint8_t>& data, std::vector<std::uint8_t>& out) {
  const auto size = static_cast<std::uint16_t>(data.size() + 2);
  out.insert(out.end(), {0xFF, marker, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size & 0xFF)});
  out.insert(out.end(), data.begin(), data.end());
}

// 16 x 16 px of grey 128 with an EXIF segment that holds a thumbnail's markers: each Huffman table has one code of one
// bit (no difference; end of block), so the four blocks are eight zero bits.
std::vector<std::uint8_t> jpeg_with_thumbnail() {
  std::vector<std::uint8_t> jpeg = {0xFF, 0xD8};
  append_segment(0xE1, {'E', 'x', 'i', 'f', 0, 0, 0xFF, 0xD8, 0xFF, 0xDA, 0xFF, 0xD9}, jpeg);
  std::vector<std::uint8_t> quantization(65, 1);
  quantization[0] = 0;
  append_segment(0xDB, quantization, jpeg);
  append_segment(0xC0, {8, 0, 16, 0, 16, 1, 1, 0x11, 0}, jpeg);
  std::vector<std::uint8_t> huffman(18, 0);
  huffman[1] = 1;
  append_segment(0xC4, huffman, jpeg);
  huffman[0] = 0x10;
  append_segment(0xC4, huffman, jpeg);
  append_segment(0xDA, {1, 1, 0, 0, 63, 0}, jpeg);
  jpeg.insert(jpeg.end(), {0, 0xFF, 0xD9});
  return jpeg;
}

TEST(DecodeImage, ThumbnailsEndIsNotTheJpegsEnd) {
  auto jpeg = jpeg_with_thumbnail();
  EXPECT_EQ(decode_image(jpeg, "knee.jpg").bytes, std::vector<std::uint8_t>(256, 128));
  while (jpeg.size() > 22) {
    jpeg.pop_back();
    EXPECT_NE(message_of(jpeg).find("the JPEG is cut off before its end"), std::string::npos) << jpeg.size();
  }
}

}  // namespace
}  // namespace genu::pipeline
