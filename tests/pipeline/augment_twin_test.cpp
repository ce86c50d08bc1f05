// Every augmentation against a slow twin that calls OpenCV step by step, on knee-like pictures: within one grey level.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/random.h"
#include "pipeline/augment/augment.h"
#include "tests/pipeline/test_images.h"

namespace genu::pipeline {
namespace {

cv::Mat picture(int height_px, int width_px, std::uint64_t seed) {
  PngImage image = knee_like(seed, std::max(height_px, width_px));
  const cv::Mat square(image.height_px, image.width_px, CV_8U, image.bytes.data());
  return square(cv::Rect(0, 0, width_px, height_px)).clone();
}

// Cubic B-spline by its definition as a piecewise polynomial of the distance.
double spline(double distance) {
  const double d = std::abs(distance);
  if (d < 1) return 2.0 / 3 - d * d + d * d * d / 2;
  return d < 2 ? std::pow(2 - d, 3) / 6 : 0;
}

// Displacement at pixel (x, y), fractions of the sides, from control values drawn as documented.
cv::Point2d displacement(const AugmentParameters& a, double x, double y, const cv::Size& size) {
  if (!(a.elastic_shift > 0)) return {0, 0};
  const int side = a.elastic_cells + 3;
  RandomStream random(a.elastic_seed, 0, "augment.elastic");
  const double u = (x + 0.5) * a.elastic_cells / size.width;
  const double v = (y + 0.5) * a.elastic_cells / size.height;
  cv::Point2d sum(0, 0);
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      const double dx = random.uniform(-1, 1) * a.elastic_shift;
      const double dy = random.uniform(-1, 1) * a.elastic_shift;
      const double weight = spline(u - (column - 1)) * spline(v - (row - 1));
      sum += cv::Point2d(weight * dx, weight * dy);
    }
  }
  return sum;
}

// source_px_from_output_px as a product of elementary matrices.
cv::Matx33d inverse_of_warp(const AugmentParameters& a, const cv::Size& size) {
  const double cx = 0.5 * (size.width - 1);
  const double cy = 0.5 * (size.height - 1);
  const double angle = a.rotation_deg * CV_PI / 180;
  const cv::Matx33d to_centre(1, 0, -cx, 0, 1, -cy, 0, 0, 1);
  const cv::Matx33d flip(a.flip ? -1 : 1, 0, 0, 0, 1, 0, 0, 0, 1);
  const cv::Matx33d shear(1, std::tan(a.shear_deg * CV_PI / 180), 0, 0, 1, 0, 0, 0, 1);
  const cv::Matx33d zoom(a.zoom, 0, 0, 0, a.zoom, 0, 0, 0, 1);
  const cv::Matx33d rotation(std::cos(angle), std::sin(angle), 0, -std::sin(angle), std::cos(angle), 0, 0, 0, 1);
  const cv::Matx33d back(1, 0, cx + a.shift_x * size.width, 0, 1, cy + a.shift_y * size.height, 0, 0, 1);
  return (back * rotation * zoom * shear * flip * to_centre).inv();
}

cv::Mat slow_twin(const cv::Mat& image, const AugmentParameters& a) {
  const cv::Size size = image.size();
  const cv::Matx33d inverse = inverse_of_warp(a, size);
  cv::Mat map_x(size, CV_32F);
  cv::Mat map_y(size, CV_32F);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const cv::Point2d bend = displacement(a, x, y, size);
      const cv::Vec3d at = inverse * cv::Vec3d(x + bend.x * size.width, y + bend.y * size.height, 1);
      map_x.at<float>(y, x) = static_cast<float>(at[0]);
      map_y.at<float>(y, x) = static_cast<float>(at[1]);
    }
  }
  cv::Mat source;
  image.convertTo(source, CV_32F);
  const double mean = cv::mean(image)[0];
  cv::Mat out;
  cv::remap(source, out, map_x, map_y, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  out = (out - mean) * a.contrast + mean + 255 * a.brightness;
  cv::Mat clamped = cv::max(cv::min(out, 255), 0);
  cv::pow(clamped / 255, a.gamma, out);
  out *= 255;
  if (a.blur_sigma_px > 0) {
    const int side = 2 * std::max(1, static_cast<int>(std::ceil(3 * a.blur_sigma_px))) + 1;
    cv::GaussianBlur(out, out, {side, side}, a.blur_sigma_px, a.blur_sigma_px, cv::BORDER_REPLICATE);
  }
  if (a.noise_sd_grey > 0) {
    std::vector<float> noise(out.total());
    RandomStream(a.noise_seed, 0, "augment.noise").fill_normal(noise);
    out += cv::Mat(size, CV_32F, noise.data()) * a.noise_sd_grey;
    out = cv::max(cv::min(out, 255), 0);
  }
  if (a.cutout_side > 0) {
    const double half = 0.5 * a.cutout_side * std::min(size.width, size.height);
    const cv::Point2d centre(a.cutout_x * size.width, a.cutout_y * size.height);
    const cv::Rect box(cv::Point(cvRound(centre.x - half), cvRound(centre.y - half)),
                       cv::Point(cvRound(centre.x + half), cvRound(centre.y + half)));
    out(box & cv::Rect({0, 0}, size)).setTo(mean);
  }
  return out;
}

double worst_difference(const cv::Mat& image, const AugmentParameters& parameters) {
  cv::Mat fast(image.size(), CV_32F);
  apply_augmentation({image.ptr<std::uint8_t>(), image.rows, image.cols}, parameters,
                     {fast.ptr<float>(), fast.total()});
  return cv::norm(fast, slow_twin(image, parameters), cv::NORM_INF);
}

// One augmentation each, then all at once.
class Twin : public ::testing::TestWithParam<const char*> {
 protected:
  static AugmentConfig only(const std::string& name) {
    AugmentConfig c;
    const bool all = name == "all";
    if (all || name == "rotation") c.rotation_deg = 20;
    if (all || name == "zoom") c.zoom = 0.2;
    if (all || name == "shift") c.shift = 0.1;
    if (all || name == "flip") c.flip_probability = 0.6;
    if (all || name == "contrast") c.contrast = 0.2;
    if (all || name == "brightness") c.brightness = 0.1;
    if (all || name == "shear") c.shear_deg = 10;
    if (all || name == "gamma") c.gamma = 0.3;
    if (all || name == "blur") c.blur_sigma_px = 2;
    if (all || name == "noise") c.noise_sd_grey = 10;
    if (all || name == "cutout") c.cutout_probability = 0.9;
    if (all || name == "elastic") c.elastic_shift = 0.02;
    return c;
  }
};

TEST_P(Twin, EqualsOpenCvWithinOneGreyLevel) {
  const AugmentConfig config = only(GetParam());
  int changed = 0;
  for (const auto& [height, width] : {std::pair{224, 224}, {201, 224}, {224, 187}}) {
    const cv::Mat image = picture(height, width, static_cast<std::uint64_t>(height + 2 * width));
    for (std::uint64_t k = 0; k < 4; ++k) {
      const auto parameters = draw_augmentation(config, 5, k, static_cast<std::uint64_t>(width));
      changed += parameters.is_identity() ? 0 : 1;
      EXPECT_LT(worst_difference(image, parameters), 1.0) << height << " x " << width << ", draw " << k;
    }
  }
  EXPECT_GT(changed, 3);
}

INSTANTIATE_TEST_SUITE_P(Augmentation, Twin,
                         ::testing::Values("rotation", "zoom", "shift", "flip", "contrast", "brightness", "shear",
                                           "gamma", "blur", "noise", "cutout", "elastic", "all"));

TEST(Augmentation, NumbersThatAreRecordedReplayIt) {
  AugmentConfig config{15, 0.1, 0.05, 0.5, 0.2, 0.1, 8, 0.3, 1.5, 6, 0.7, 0.3, 0.02, 5};
  for (std::uint64_t k = 0; k < 50; ++k) {
    const auto drawn = draw_augmentation(config, 9, k, 2);
    EXPECT_EQ(augmentation_from_numbers(augmentation_numbers(drawn)), drawn);
  }
  const std::vector<double> damaged(kAugmentationNumbers, std::nan(""));
  EXPECT_EQ(augmentation_from_numbers(damaged).elastic_cells, 0);
}

TEST(Augmentation, WhatIsOffDrawsTheIdentityAndLeavesTheOthersAsTheyWere) {
  const AugmentConfig full{15, 0.1, 0.05, 0.5, 0.2, 0.1, 8, 0.3, 1.5, 6, 1.0, 0.3, 0.02, 5};
  const auto all = draw_augmentation(full, 1, 2, 3);
  EXPECT_TRUE(draw_augmentation(AugmentConfig{}, 1, 2, 3).is_identity());
  AugmentConfig without = full;
  without.noise_sd_grey = 0;
  auto drawn = draw_augmentation(without, 1, 2, 3);
  EXPECT_EQ(drawn.noise_seed, 0u);
  drawn.noise_seed = all.noise_seed;
  drawn.noise_sd_grey = all.noise_sd_grey;
  EXPECT_EQ(drawn, all);
}

}  // namespace
}  // namespace genu::pipeline
