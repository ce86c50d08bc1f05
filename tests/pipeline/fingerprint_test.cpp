#include "pipeline/split/fingerprint.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/pipeline/test_images.h"

namespace genu::pipeline {
namespace {

constexpr int kSide = static_cast<int>(kStructureSide);

GreyView view_of(const PngImage& image) { return {image.bytes.data(), image.height_px, image.width_px}; }

// By OpenCV, step by step.
cv::Mat slow_map(const PngImage& image) {
  cv::Mat map;
  cv::Mat(image.height_px, image.width_px, CV_8U, const_cast<std::uint8_t*>(image.bytes.data())).convertTo(map, CV_32F);
  const bool shrinks = image.height_px > kSide;
  cv::resize(map, map, {kSide, kSide}, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  cv::Mat blurred;
  cv::GaussianBlur(map, blurred, {13, 13}, 1.5, 1.5, cv::BORDER_REPLICATE);
  map -= blurred;
  cv::Mat sd;
  cv::blur(map.mul(map), sd, {27, 27}, {-1, -1}, cv::BORDER_REPLICATE);
  cv::sqrt(sd, sd);
  map /= sd + 1;
  map -= cv::mean(map);
  return map / cv::norm(map);
}

double coefficient(const cv::Mat& map, int v, int u) {
  const auto wave = [](int half_waves, int at) { return std::cos(std::numbers::pi * half_waves * (at + 0.5) / kSide); };
  double sum = 0;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) sum += static_cast<double>(map.at<float>(y, x)) * wave(v, y) * wave(u, x);
  }
  return sum;
}

TEST(StructureMap, EqualsItsSlowTwinAtAnySize) {
  for (const int side : {64, 96, 131, 224, 300}) {
    const PngImage image = knee_like(3, side);
    const StructureMap fast = structure_map(view_of(image));
    const cv::Mat slow = slow_map(image);
    double furthest = 0;
    for (int i = 0; i < kSide * kSide; ++i) {
      const auto at = static_cast<std::size_t>(i);
      furthest = std::max(furthest, std::abs(static_cast<double>(fast[at] - slow.at<float>(i / kSide, i % kSide))));
    }
    EXPECT_LT(furthest, 2e-4) << side;  // the map's SD is 1 / 96
  }
}

TEST(Fingerprint, IsTheSignsOfTheMiddleFrequencies) {
  const PngImage image = knee_like(4, 224);
  const cv::Mat map = slow_map(image);
  const ImageFingerprint fingerprint = image_fingerprint(view_of(image));
  int wrong = 0;
  for (int i = 0; i < 256; ++i) {
    const double wanted = coefficient(map, 10 + i / 16, 10 + i % 16);
    const bool bit = (fingerprint.bits[static_cast<std::size_t>(i / 64)] >> (i % 64) & 1) != 0;
    if (bit != (wanted > 0) && std::abs(wanted) > 1e-3) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Fingerprint, OfTheMirroredImageIsTheOneForeseen) {
  const ImageFingerprint one = image_fingerprint(view_of(knee_like(5, 224)));
  const ImageFingerprint other = image_fingerprint(view_of(mirrored_picture(knee_like(5, 224))));
  int differing = 0;
  for (std::size_t i = 0; i < one.bits.size(); ++i) differing += std::popcount(one.mirrored_bits[i] ^ other.bits[i]);
  EXPECT_LE(differing, 2);  // coefficients next to zero
  EXPECT_NE(one.bits, other.bits);
}

TEST(Fingerprint, AFlatImageHasAMapOfZeros) {
  PngImage flat = knee_like(1);
  std::fill(flat.bytes.begin(), flat.bytes.end(), std::uint8_t{90});
  for (const float value : structure_map(view_of(flat))) ASSERT_EQ(value, 0.0f);
}

}  // namespace
}  // namespace genu::pipeline
