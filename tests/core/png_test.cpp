#include "core/png.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "core/errors.h"
#include "core/random.h"

namespace genu {
namespace {

PngImage noise_image(int width, int height, int channels, int bit_depth) {
  PngImage image{width, height, channels, bit_depth, {}};
  image.bytes.resize(static_cast<std::size_t>(width * height * channels * bit_depth / 8));
  RandomStream stream(1, 2, "png");
  for (auto& byte : image.bytes) byte = static_cast<std::uint8_t>(stream.next_u32());
  return image;
}

TEST(Png, RoundTripsEveryLayout) {
  for (const int channels : {1, 3}) {
    for (const int bit_depth : {8, 16}) {
      for (const int level : {1, 6}) {
        const PngImage image = noise_image(37, 23, channels, bit_depth);
        EXPECT_EQ(decode_png(encode_png(image, level), "x.png"), image) << channels << " " << bit_depth;
      }
    }
  }
}

// Larger than a stored block of deflate, smooth, flat, and a single pixel.
TEST(Png, RoundTripsWhatCompressorsTreatApart) {
  PngImage ramp{300, 500, 1, 8, {}}, flat{1024, 1024, 1, 8, std::vector<std::uint8_t>(1024 * 1024, 7)};
  for (int i = 0; i < 300 * 500; ++i) ramp.bytes.push_back(static_cast<std::uint8_t>(i % 300 / 2 + i / 300 / 5));
  for (const PngImage& image : {noise_image(700, 500, 1, 8), ramp, flat, noise_image(1, 1, 1, 8)}) {
    for (const int level : {1, 2, 6}) {
      for (const PngContent content : {PngContent::kPicture, PngContent::kLabels}) {
        const auto png = encode_png(image, level, content);
        EXPECT_EQ(decode_png(png, "x.png"), image) << image.width_px << " level " << level;
        const auto rows = static_cast<std::size_t>(image.height_px);  // each with the number of its filter
        EXPECT_LT(png.size(), image.bytes.size() + rows + image.bytes.size() / 1024 + 200);
      }
    }
  }
}

// The bytes of a file follow from the picture, not from what the thread has encoded before.
TEST(Png, TheSameBytesWhateverCameBefore) {
  const PngImage image = noise_image(224, 224, 1, 8);
  PngImage smooth = image;
  for (std::size_t i = 0; i < smooth.bytes.size(); ++i) smooth.bytes[i] = static_cast<std::uint8_t>(i / 999 + i % 3);
  for (const int level : {1, 6}) {
    const auto first = encode_png(image, level), first_smooth = encode_png(smooth, level);
    for (int i = 0; i < 20; ++i) {
      encode_png(noise_image(40 + 17 * i, 60, 1, 8), level);
      ASSERT_EQ(encode_png(smooth, level), first_smooth);
      ASSERT_EQ(encode_png(image, level), first);
    }
    std::thread([&] { EXPECT_EQ(encode_png(smooth, level), first_smooth); }).join();
  }
}

// ISA-L 2.30 files the third byte's place under a hash of its own state's address. Pictures that repeat what they begin
// with, each encoded by two threads whose memory lies elsewhere: before the address was chosen with care, one of some
// 8,000 differed.
TEST(Png, TheSameBytesWhereverTheStateLies) {
  constexpr int kPictures = 60'000;
  const auto picture = [](int number) {
    RandomStream stream(11, static_cast<std::uint64_t>(number), "repeats");
    std::array<std::uint8_t, 7> steps{};
    for (auto& step : steps) step = static_cast<std::uint8_t>(stream.next_u32());
    PngImage image{60, 5, 1, 8, std::vector<std::uint8_t>(300)};
    for (std::size_t x = 0; x < 60; ++x) {
      image.bytes[x] = static_cast<std::uint8_t>((x > 0 ? image.bytes[x - 1] : 0) + steps[x % 7]);
    }
    return image;
  };
  const auto encode_all = [&](std::vector<std::uint32_t>& sums) {
    for (int number = 0; number < kPictures; ++number) {
      std::uint32_t sum = 2166136261u;  // FNV-1a
      for (const std::uint8_t byte : encode_png(picture(number), 1)) sum = (sum ^ byte) * 16777619u;
      sums.push_back(sum);
    }
  };
  std::vector<std::uint32_t> here, there;
  std::vector<std::uint8_t> between(10'000'000, 1);  // no reuse of the first one's memory
  std::thread first([&] { encode_all(here); });
  std::thread second([&] { encode_all(there); });
  first.join();
  second.join();
  ASSERT_EQ(here.size(), there.size());
  int differing = 0;
  for (std::size_t i = 0; i < here.size(); ++i) differing += here[i] == there[i] ? 0 : 1;
  EXPECT_EQ(differing, 0);
}

// Leaves `value` where the next call's locals will lie.
[[gnu::noinline]] void fill_stack(std::uint16_t value) {
  std::array<volatile std::uint16_t, 200'000> below;
  for (auto& word : below) word = value;
}

TEST(Png, TheSameBytesWhateverTheStackHeld) {
  const PngImage image = noise_image(224, 224, 1, 8);
  PngImage smooth = image;
  for (std::size_t i = 0; i < smooth.bytes.size(); ++i)
    smooth.bytes[i] = static_cast<std::uint8_t>(100 + image.bytes[i] % 5);
  fill_stack(0);
  const auto clean = encode_png(smooth, 1);
  for (std::uint16_t value = 1; value <= 20; ++value) {
    fill_stack(value);
    ASSERT_EQ(encode_png(smooth, 1), clean) << value;
  }
}

TEST(Png, EveryTruncationAndFlippedByteIsNamedOrHarmless) {
  const PngImage image = noise_image(16, 16, 1, 8);
  const auto bytes = encode_png(image, 1);
  for (std::size_t size = 0; size < bytes.size(); size += 3) {
    EXPECT_THROW(decode_png({bytes.data(), size}, "cut.png"), DataError) << size;
  }
  int named = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0x10;
    try {
      EXPECT_EQ(decode_png(damaged, "flip.png"), image) << i;  // an ancillary chunk's name, say
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with("flip.png: ")) << error.what();
      ++named;
    }
  }
  EXPECT_GT(named, static_cast<int>(bytes.size()) * 9 / 10);
}

TEST(Png, TextAndEmptyFilesAreNamed) {
  EXPECT_THROW(decode_png({}, "a.png"), DataError);
  const std::vector<std::uint8_t> text = {'h', 'e', 'l', 'l', 'o', ' ', 'w', 'o', 'r', 'l', 'd'};
  EXPECT_THROW(decode_png(text, "a.png"), DataError);
}

// Found by fuzzing: 52 bytes that ask for 4.7 GB.
TEST(Png, AHeaderThatTheFileCannotFillIsDamageAndTakesNoMemory) {
  PngImage image{64, 64, 1, 8, std::vector<std::uint8_t>(64 * 64)};
  auto bytes = encode_png(image);
  const std::array<std::uint8_t, 17> header = {'I', 'H', 'D', 'R', 0, 0, 0x80, 0, 0, 0, 0x8b, 0x08, 8, 2, 0, 0, 0};
  std::copy(header.begin(), header.end(), bytes.begin() + 12);
  // The CRC-32 of that header, bit by bit.
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const std::uint8_t byte : header) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1u ? 0xEDB88320u : 0u);
  }
  crc ^= 0xFFFFFFFFu;
  for (std::size_t i = 0; i < 4; ++i) bytes[29 + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  try {
    decode_png(bytes, "bomb.png");
    ADD_FAILURE();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("too few bytes for its size"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace genu
