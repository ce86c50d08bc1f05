// The population's mean soft tissue, and dynamic range compression: both smooth, both decided away from the lesions.
#include "generator/projection/habitus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/errors.h"
#include "generator/dataset/knee_sample.h"

namespace genu::generator {
namespace {

TEST(Habitus, IsItsCosines) {
  std::vector<double> weights(kHabitusWaves * kHabitusWaves, 0.0);
  weights[3 * kHabitusWaves + 2] = 0.2;  // two half-waves across, three down
  const HabitusMap map(weights);
  for (float x = -45; x < 45; x += 3.7f) {
    for (float y = -37; y < 53; y += 4.1f) {
      const double u = (x - kHabitusMedialMm) / kHabitusWidthMm, v = (kHabitusTopMm - y) / kHabitusHeightMm;
      EXPECT_NEAR(map.at(x, y), 0.2 * std::cos(2 * std::numbers::pi * u) * std::cos(3 * std::numbers::pi * v), 4e-3);
    }
  }
  EXPECT_EQ(map.at(1000, 0), map.at(46, 0));
}

TEST(Habitus, WrongNumberOfWeightsIsAConfigError) {
  GenerateConfig config;
  config.population.habitus.assign(7, 0.0);
  try {
    check_config(config);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("population.habitus: 7 weights"), std::string::npos) << error.what();
  }
}

Image<std::uint8_t> picture_of(const GenerateConfig& config) {
  const KneeSample sample = sample_knee(config, planned_sample(Split::kTrain, KlGrade(1), 4));
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  return render_knee(config, sample, resources, work).picture;
}

double mean_of(const Image<std::uint8_t>& image, int left, int right) {
  double sum = 0;
  for (int y = 0; y < image.height_px; ++y) {
    for (int x = left; x < right; ++x) sum += image.at(x, y);
  }
  return sum / (image.height_px * (right - left));
}

// Thicker muscle on one side brightens that side, whichever knee it is.
TEST(Habitus, ThickerIsBrighterOnItsOwnSide) {
  for (const double right_share : {0.0, 1.0}) {
    GenerateConfig config;
    config.population.right_share = right_share;
    config.dials.set("inverted", 0);
    const auto before = picture_of(config);
    config.population.habitus.assign(kHabitusWaves * kHabitusWaves, 0.0);
    config.population.habitus[1] = 0.08;  // thick medially, thin laterally
    const auto after = picture_of(config);
    const int size = config.image_size_px;
    const double left = mean_of(after, 0, size / 2) - mean_of(before, 0, size / 2);
    const double right = mean_of(after, size / 2, size) - mean_of(before, size / 2, size);
    EXPECT_GT(right_share > 0 ? right - left : left - right, 2);
  }
}

TEST(RangeCompression, TakesTheLargeVariationAndKeepsTheSmall) {
  Image<float> reference(28, 28, 0.0f);
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      reference.at(x, y) =
          static_cast<float>(2 + std::cos(std::numbers::pi * (x + 0.5) / 28) + ((x + y) % 2 ? 0.1 : -0.1));
    }
  }
  DisplayLook look;
  look.range_radius_mm = 9;
  const auto spread = [](const Image<float>& image) {  // of columns' means, and between neighbours
    double low = 1e9, high = -1e9, step = 0;
    for (int x = 0; x < 28; ++x) {
      double mean = 0;
      for (int y = 0; y < 28; ++y) mean += image.at(x, y) / 28;
      low = std::min(low, mean);
      high = std::max(high, mean);
      if (x > 0) step += std::abs(image.at(x, 14) - image.at(x - 1, 14)) / 27;
    }
    return std::pair{high - low, step};
  };
  const auto [wide, fine] = spread(reference);
  Image<float> half = reference, none = reference, change;
  look.range_compression = 0;
  compress_range(look, 3.3, none, change);
  EXPECT_EQ(none, reference);
  look.range_compression = 0.5;
  compress_range(look, 3.3, half, change);
  const auto [wide_left, fine_left] = spread(half);
  EXPECT_NEAR(wide_left / wide, 0.55, 0.08);  // the blur itself leaves some of the wave
  EXPECT_NEAR(fine_left, fine, 0.05);
  for (std::size_t i = 0; i < change.pixels.size(); ++i) {
    EXPECT_NEAR(half.pixels[i] - reference.pixels[i], change.pixels[i], 1e-5);
  }
}

}  // namespace
}  // namespace genu::generator
