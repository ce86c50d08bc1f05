#include "pipeline/preprocess/prepare_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/errors.h"
#include "pipeline/orient/polarity.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"

namespace genu::pipeline {
namespace {

DecodedImage decoded(const PngImage& image) { return {image.width_px, image.height_px, 8, image.bytes}; }

PreprocessConfig sized(int size_px) {
  PreprocessConfig config;
  config.size_px = size_px;
  return config;
}

TEST(PrepareImage, AMirroredRightKneeEqualsTheLeftOne) {
  const PngImage left = knee_like(3);
  const auto from_left = prepare_image(decoded(left), KneeSide::kLeft, sized(96));
  const auto from_right = prepare_image(decoded(mirrored_picture(left)), KneeSide::kRight, sized(96));
  EXPECT_EQ(from_left.pixels, left.bytes);
  EXPECT_EQ(from_right.pixels, left.bytes);
  EXPECT_TRUE(from_right.was_mirrored);
  EXPECT_FALSE(from_left.was_mirrored);
  EXPECT_FALSE(prepare_image(decoded(left), std::nullopt, sized(96)).was_mirrored);
}

TEST(PrepareImage, ANegativeIsRighted) {
  const PngImage image = knee_like(4);
  const auto righted = prepare_image(decoded(negative_picture(image)), KneeSide::kLeft, sized(96));
  EXPECT_TRUE(righted.was_negative);
  EXPECT_EQ(righted.pixels, image.bytes);
  PreprocessConfig keep = sized(96);
  keep.negatives = Negatives::kKeep;
  EXPECT_EQ(prepare_image(decoded(negative_picture(image)), KneeSide::kLeft, keep).pixels,
            negative_picture(image).bytes);
}

// A label map and its picture stay on top of each other: where the picture is bright, the label is 7.
TEST(PrepareImage, LabelsGoWhereTheirPicturesGo) {
  DecodedImage picture{60, 40, 8, std::vector<std::uint8_t>(60 * 40, 10)}, labels = picture;
  labels.bytes.assign(labels.bytes.size(), 1);
  for (int y = 8; y < 24; ++y) {
    for (int x = 4; x < 20; ++x) {
      picture.bytes[static_cast<std::size_t>(60 * y + x)] = 250;
      labels.bytes[static_cast<std::size_t>(60 * y + x)] = 7;
    }
  }
  for (const Fit fit : {Fit::kLetterbox, Fit::kStretch}) {
    PreprocessConfig config = sized(120);
    config.fit = fit;
    config.negatives = Negatives::kKeep;
    for (const KneeSide side : {KneeSide::kLeft, KneeSide::kRight}) {
      const auto pixels = prepare_image(picture, side, config).pixels;
      const auto prepared = prepare_labels(labels, side, config);
      ASSERT_EQ(prepared.size(), pixels.size());
      std::size_t marked = 0, wrong = 0;
      for (std::size_t i = 0; i < pixels.size(); ++i) {
        marked += prepared[i] == 7 ? 1u : 0u;
        wrong += (prepared[i] == 7) != (pixels[i] > 130) ? 1u : 0u;
      }
      EXPECT_EQ(marked, fit == Fit::kLetterbox ? 32u * 32u : 32u * 48u);
      EXPECT_LE(wrong, 170u);  // the rim, where the picture is interpolated
      EXPECT_EQ(prepared[0], fit == Fit::kLetterbox ? 0 : 1);
    }
  }
  DecodedImage deep{32, 32, 16, std::vector<std::uint8_t>(2 * 32 * 32)};
  EXPECT_THROW(prepare_labels(deep, std::nullopt, sized(32)), DataError);
}

// A cell of 3 x 3 pixels becomes its middle one, so that labels do not slide towards a corner of their picture.
TEST(PrepareImage, ShrunkLabelsComeFromTheMiddleOfTheirCells) {
  DecodedImage labels{96, 96, 8, std::vector<std::uint8_t>(96 * 96, 1)};
  for (std::size_t y = 1; y < 96; y += 3) {
    for (std::size_t x = 1; x < 96; x += 3) labels.bytes[96 * y + x] = static_cast<std::uint8_t>(100 + x / 3);
  }
  const auto as_left = prepare_labels(labels, KneeSide::kLeft, sized(32));
  const auto as_right = prepare_labels(labels, KneeSide::kRight, sized(32));
  for (std::size_t i = 0; i < 32 * 32; ++i) {
    ASSERT_EQ(as_left[i], 100 + i % 32);
    ASSERT_EQ(as_right[i], 131 - i % 32);
  }
}

TEST(PrepareImage, SixteenBitsMapTheFullRange) {
  // 257 v has the byte v twice.
  DecodedImage deep{32, 32, 16, std::vector<std::uint8_t>(2 * 32 * 32)};
  for (std::size_t i = 0; i < deep.bytes.size(); ++i) deep.bytes[i] = static_cast<std::uint8_t>(i / 2 % 256);
  PreprocessConfig config = sized(32);
  config.negatives = Negatives::kKeep;
  const auto out = prepare_image(deep, std::nullopt, config);
  for (int i = 0; i < 32 * 32; ++i) ASSERT_EQ(out.pixels[static_cast<std::size_t>(i)], i % 256);
}

TEST(PrepareImage, LetterboxKeepsProportionsAndPadsWithBlack) {
  DecodedImage wide{64, 32, 8, std::vector<std::uint8_t>(64 * 32, 100)};
  const auto out = prepare_image(wide, std::nullopt, sized(32));
  ASSERT_EQ(out.pixels.size(), 32u * 32u);
  EXPECT_EQ(out.pixels[7 * 32 + 5], 0);
  EXPECT_EQ(out.pixels[8 * 32 + 5], 100);
  EXPECT_EQ(out.pixels[23 * 32 + 5], 100);
  EXPECT_EQ(out.pixels[24 * 32 + 5], 0);
}

TEST(PrepareImage, PercentileStretchFillsTheRange) {
  DecodedImage flat{32, 32, 8, std::vector<std::uint8_t>(32 * 32)};
  for (std::size_t i = 0; i < flat.bytes.size(); ++i) flat.bytes[i] = static_cast<std::uint8_t>(100 + i % 51);
  PreprocessConfig config = sized(32);
  config.negatives = Negatives::kKeep;
  config.stretch_low_percent = 1;
  config.stretch_high_percent = 99;
  const auto out = prepare_image(flat, std::nullopt, config);
  EXPECT_EQ(*std::min_element(out.pixels.begin(), out.pixels.end()), 0);
  EXPECT_EQ(*std::max_element(out.pixels.begin(), out.pixels.end()), 255);
}

TEST(PrepareImage, ATinyImageIsRefused) {
  const DecodedImage tiny{8, 8, 8, std::vector<std::uint8_t>(64)};
  EXPECT_THROW(prepare_image(tiny, std::nullopt, sized(32)), DataError);
}

TEST(KneePolarity, IsOddAndDoesNotDependOnSide) {
  const PngImage image = knee_like(5);
  const auto of = [](const PngImage& p) { return knee_polarity({p.bytes.data(), p.height_px, p.width_px}); };
  EXPECT_GT(of(image), 0.5);
  EXPECT_NEAR(of(negative_picture(image)), -of(image), 1e-2);
  EXPECT_NEAR(of(mirrored_picture(image)), of(image), 1e-9);
  const PngImage flat{32, 32, 1, 8, std::vector<std::uint8_t>(1024, 77)};
  EXPECT_EQ(of(flat), 0);
}

TEST(KneePolarity, FindsExactlyTheNegativesOfTheRealFilms) {
  const char* variable = std::getenv("GENU_REAL_DATA");
  const std::filesystem::path folder = variable != nullptr
                                           ? std::filesystem::path(variable)
                                           : std::filesystem::path(GENU_SOURCE_DIR) / "../shared/data/mendeley";
  if (!std::filesystem::exists(folder / "train")) GTEST_SKIP() << "no real films at " << folder << " (GENU_REAL_DATA)";
  double highest_negative = -1;
  double lowest_positive = 1;
  std::map<Split, int> negatives;
  for (const SourceSample& sample : list_mendeley(folder, FaultPolicy::kStop).samples) {
    const DecodedImage image = decode_image_file(sample.path);
    const double polarity = knee_polarity({image.bytes.data(), image.height_px, image.width_px});
    if (polarity < kNegativePolarity) ++negatives[sample.split];
    (polarity < kNegativePolarity ? highest_negative : lowest_positive) =
        polarity < kNegativePolarity ? std::max(highest_negative, polarity) : std::min(lowest_positive, polarity);
  }
  std::printf("negatives: train %d, val %d; gap %.3f .. %.3f\n", negatives[Split::kTrain], negatives[Split::kVal],
              highest_negative, lowest_positive);
  EXPECT_EQ(negatives[Split::kTrain], 70);
  EXPECT_EQ(negatives[Split::kVal], 14);
  EXPECT_LT(highest_negative, -0.5);
  EXPECT_GT(lowest_positive, 0.15);
}

TEST(HistogramMatching, MapsEachLevelToTheReferencesQuantile) {
  GreyHistogram own{};
  own[10] = 50;
  own[200] = 50;
  GreyHistogram other{};
  other[40] = 30;
  other[90] = 30;
  other[120] = 40;
  const auto table = matching_table(own, histogram_reference(other));
  EXPECT_EQ(table[10], 90);    // half lies at or below 10; 0.6 at or below 90, 0.3 at or below 40
  EXPECT_EQ(table[200], 120);  // all
  EXPECT_EQ(table[9], 0);      // nothing lies below
}

TEST(HistogramMatching, AFilmMatchedToItselfStaysAndADarkOneIsBroughtUp) {
  const PngImage bright = knee_like(4, 64);
  PngImage dark = bright;
  for (auto& value : dark.bytes) value = static_cast<std::uint8_t>(value / 3);
  PreprocessConfig config;
  config.size_px = 64;
  config.negatives = Negatives::kKeep;
  const DecodedImage bright_film{64, 64, 8, bright.bytes};
  const DecodedImage dark_film{64, 64, 8, dark.bytes};
  config.histogram_reference = histogram_reference(grey_histogram(bright_film, config));
  config.match_histogram = HistogramMatching::kTrain;
  EXPECT_EQ(prepare_image(bright_film, std::nullopt, config).pixels, bright.bytes);
  const auto matched = prepare_image(dark_film, std::nullopt, config).pixels;
  for (std::size_t i = 0; i < matched.size(); ++i) EXPECT_NEAR(matched[i], bright.bytes[i], 3) << i;
  config.histogram_reference.clear();
  EXPECT_THROW(prepare_image(bright_film, std::nullopt, config), ConfigError);
}

}  // namespace
}  // namespace genu::pipeline
