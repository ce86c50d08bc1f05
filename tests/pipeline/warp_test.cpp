#include "pipeline/augment/warp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "pipeline/augment/augment.h"
#include "pipeline/augment/resize.h"

namespace genu::pipeline {
namespace {

struct Picture {
  int height_px, width_px;
  std::vector<std::uint8_t> pixels;
  GreyView view() const { return {pixels.data(), height_px, width_px}; }
  double at(int y, int x) const {
    return pixels[static_cast<std::size_t>(std::clamp(y, 0, height_px - 1) * width_px +
                                           std::clamp(x, 0, width_px - 1))];
  }
};

Picture noise(int height_px, int width_px, std::uint64_t seed) {
  RandomStream random(seed, 0, "test.noise");
  Picture picture{height_px, width_px, {}};
  for (int i = 0; i < height_px * width_px; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(random.integer(256)));
  return picture;
}

// The definition, pixel by pixel in double precision: move the output point back through shift, rotation, zoom and flip
// about the centre, then interpolate between the four neighbours.
double slow_sample(const Picture& p, const AugmentParameters& a, int x, int y) {
  const double centre_x = (p.width_px - 1) / 2.0;
  const double centre_y = (p.height_px - 1) / 2.0;
  const double dx = x - centre_x - a.shift_x * p.width_px;
  const double dy = y - centre_y - a.shift_y * p.height_px;
  const double angle = a.rotation_deg * M_PI / 180;
  // A counter-clockwise turn by `angle` seen with rows pointing down is undone by this one.
  double sx = (std::cos(angle) * dx - std::sin(angle) * dy) / a.zoom;
  const double sy = (std::sin(angle) * dx + std::cos(angle) * dy) / a.zoom + centre_y;
  sx = (a.flip ? -sx : sx) + centre_x;
  const double fx = std::clamp(sx, 0.0, p.width_px - 1.0);
  const double fy = std::clamp(sy, 0.0, p.height_px - 1.0);
  const int x0 = static_cast<int>(std::floor(fx));
  const int y0 = static_cast<int>(std::floor(fy));
  const double wx = fx - x0;
  const double wy = fy - y0;
  return (1 - wy) * ((1 - wx) * p.at(y0, x0) + wx * p.at(y0, x0 + 1)) +
         wy * ((1 - wx) * p.at(y0 + 1, x0) + wx * p.at(y0 + 1, x0 + 1));
}

double mean_of(const Picture& p) {
  double sum = 0;
  for (const auto value : p.pixels) sum += value;
  return sum / static_cast<double>(p.pixels.size());
}

double slow_augment(const Picture& p, const AugmentParameters& a, double mean, int x, int y) {
  return std::clamp((slow_sample(p, a, x, y) - mean) * a.contrast + mean + 255 * a.brightness, 0.0, 255.0);
}

TEST(Augmentation, FastWarpEqualsSlowTwinOnOddSizes) {
  const AugmentConfig strong{40, 0.4, 0.3, 0.5, 0.5, 0.3};
  int case_number = 0;
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 7}, {9, 1}, {17, 31}, {33, 16}, {101, 67}, {224, 224}}) {
    const Picture picture = noise(height, width, 5);
    const double mean = mean_of(picture);
    for (std::uint64_t k = 0; k < 6; ++k) {
      const auto parameters = draw_augmentation(strong, 3, k, static_cast<std::uint64_t>(++case_number));
      std::vector<float> fast(picture.pixels.size());
      apply_augmentation(picture.view(), parameters, fast);
      double worst = 0;
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const double slow = slow_augment(picture, parameters, mean, x, y);
          worst = std::fmax(worst, std::abs(slow - static_cast<double>(fast[static_cast<std::size_t>(y * width + x)])));
        }
      }
      EXPECT_LT(worst, 0.05) << height << " x " << width << " case " << k;  // float against double, grey levels
    }
  }
}

TEST(Augmentation, IdentityAndFlipAreExact) {
  const Picture picture = noise(31, 40, 1);
  std::vector<float> out(picture.pixels.size());
  apply_augmentation(picture.view(), {}, out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], picture.pixels[i]);
  AugmentParameters flip;
  flip.flip = true;
  apply_augmentation(picture.view(), flip, out);
  for (int y = 0; y < 31; ++y) {
    for (int x = 0; x < 40; ++x) EXPECT_EQ(out[static_cast<std::size_t>(y * 40 + x)], picture.at(y, 39 - x));
  }
}

TEST(Augmentation, RotationTurnsCounterClockwiseAndShiftMovesRightAndDown) {
  Picture picture{21, 21, std::vector<std::uint8_t>(21 * 21, 0)};
  picture.pixels[10 * 21 + 18] = 200;  // right of the centre
  std::vector<float> out(picture.pixels.size());
  AugmentParameters quarter;
  quarter.rotation_deg = 90;
  apply_augmentation(picture.view(), quarter, out);
  EXPECT_NEAR(out[2 * 21 + 10], 200, 0.01);  // now above it
  AugmentParameters shift;
  shift.shift_x = -2.0 / 21;
  shift.shift_y = 3.0 / 21;
  apply_augmentation(picture.view(), shift, out);
  EXPECT_NEAR(out[13 * 21 + 16], 200, 0.01);
  AugmentParameters zoom;
  zoom.zoom = 0.5;
  apply_augmentation(picture.view(), zoom, out);
  EXPECT_NEAR(out[10 * 21 + 14], 200, 0.01);
}

TEST(Augmentation, DrawsStayWithinTheirRangesAndAreUniform) {
  const AugmentConfig config{15, 0.1, 0.05, 0.5, 0.2, 0.1};
  constexpr int kDraws = 20000;
  int flips = 0;
  std::array<int, 10> bins{};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const auto a = draw_augmentation(config, 11, 2, i);
    ASSERT_LE(std::abs(a.rotation_deg), 15);
    ASSERT_LE(std::abs(a.zoom - 1), 0.1);
    ASSERT_LE(std::abs(a.shift_x), 0.05);
    ASSERT_LE(std::abs(a.shift_y), 0.05);
    ASSERT_LE(std::abs(a.contrast - 1), 0.2);
    ASSERT_LE(std::abs(a.brightness), 0.1);
    flips += a.flip ? 1 : 0;
    ++bins[std::min<std::size_t>(9, static_cast<std::size_t>((a.rotation_deg + 15) / 3))];
  }
  EXPECT_NEAR(flips, kDraws / 2, 4 * std::sqrt(kDraws / 4.0));  // 4 SD
  double chi_square = 0;
  for (const int count : bins) chi_square += std::pow(count - kDraws / 10, 2) / (kDraws / 10.0);
  EXPECT_LT(chi_square, 27.9);  // 9 degrees of freedom, false alarm 1 in 1,000; the seed is fixed
}

TEST(Augmentation, IsAPureFunctionAndOneSettingLeavesTheOthersAlone) {
  AugmentConfig config{15, 0.1, 0.05, 0.5, 0.2, 0.1};
  const auto first = draw_augmentation(config, 1, 2, 3);
  EXPECT_EQ(first, draw_augmentation(config, 1, 2, 3));
  EXPECT_NE(first, draw_augmentation(config, 2, 2, 3));
  EXPECT_NE(first, draw_augmentation(config, 1, 3, 3));
  EXPECT_NE(first, draw_augmentation(config, 1, 2, 4));
  config.rotation_deg = 0;
  auto without = draw_augmentation(config, 1, 2, 3);
  EXPECT_EQ(without.rotation_deg, 0);
  without.rotation_deg = first.rotation_deg;
  EXPECT_EQ(without, first);
}

// Area average by definition: split every pixel into to x to parts and every output into from x from of them.
std::vector<double> slow_area(const Picture& p, int to) {
  std::vector<double> out(static_cast<std::size_t>(to * to), 0);
  for (int fine_y = 0; fine_y < p.height_px * to; ++fine_y) {
    for (int fine_x = 0; fine_x < p.width_px * to; ++fine_x) {
      out[static_cast<std::size_t>(fine_y / p.height_px * to + fine_x / p.width_px)] += p.at(fine_y / to, fine_x / to);
    }
  }
  for (double& value : out) value /= p.height_px * p.width_px;
  return out;
}

TEST(ResizeGrey, ShrinkingIsTheAreaAverage) {
  for (const auto& [from, to] : {std::pair{32, 16}, {33, 14}, {50, 49}, {64, 1}}) {
    const Picture picture = noise(from, from, 2);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(to * to));
    resize_grey(picture.view(), to, to, out);
    const auto slow = slow_area(picture, to);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], slow[i], 0.501) << from << " to " << to;
  }
}

TEST(ResizeGrey, GrowingKeepsRampsAndConstants) {
  Picture ramp{4, 8, {}};
  for (int i = 0; i < 32; ++i) ramp.pixels.push_back(static_cast<std::uint8_t>(20 * (i % 8)));
  std::vector<std::uint8_t> out(8 * 16);
  resize_grey(ramp.view(), 8, 16, out);
  for (int x = 1; x < 15; ++x) EXPECT_NEAR(out[static_cast<std::size_t>(16 + x)], 20 * ((x + 0.5) / 2 - 0.5), 0.51);
}

}  // namespace
}  // namespace genu::pipeline
