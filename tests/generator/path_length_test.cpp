#include "generator/projection/path_lengths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "generator/dataset/knee_sample.h"
#include "generator/projection/signed_distance.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {
namespace {

TEST(PathLength, SphereChordMatchesClosedForm) {
  const float radius = 13.0f;
  for (float r = 0; r < radius; r += 0.37f) {
    const float chord = 2 * std::sqrt(radius * radius - r * r);
    EXPECT_NEAR(rounded_depth_mm(radius - r, radius, 2 * radius), chord, 1e-4f * chord + 2e-3f);
  }
  EXPECT_EQ(rounded_depth_mm(-1.0f, radius, 2 * radius), 0.0f);
  EXPECT_FLOAT_EQ(rounded_depth_mm(50.0f, radius, 20.0f), 20.0f);
}

// A lip may lie beside the picture and still cross its rows.
TEST(SignedDistance, BesideThePictureEveryRowIsEmpty) {
  const Contour circle = ellipse({-40, 35}, 12, 12, 60);
  const PixelBox box = box_around(circle, 1.0, 80, 70);
  ASSERT_TRUE(box.empty());
  Image<float> distance(80, 70, -99.0f);
  DistanceWorkspace work;
  const auto spans = signed_distance_px(circle, {12, 7}, box, work, distance);
  ASSERT_EQ(spans.size(), static_cast<std::size_t>(box.bottom - box.top));
  ASSERT_GT(spans.size(), 20u);
  for (const RowSpan& span : spans) EXPECT_EQ(span.left, span.right);
}

TEST(SignedDistance, CircleMatchesClosedForm) {
  const Contour circle = ellipse({40.3, 35.8}, 22, 22, 720);
  Image<float> distance(80, 70, -99.0f);
  DistanceWorkspace work;
  signed_distance_px(circle, {12, 7}, {0, 0, 80, 70}, work, distance);
  for (int y = 0; y < 70; ++y) {
    for (int x = 0; x < 80; ++x) {
      const double expected = std::clamp(22 - std::hypot(x + 0.5 - 40.3, y + 0.5 - 35.8), -7.0, 12.0);
      ASSERT_NEAR(distance.at(x, y), expected, 2e-3) << x << ", " << y;
    }
  }
}

// A bone beside the picture reaches no pixel, in rows that are there all the same.
TEST(SignedDistance, BesideTheImageEveryRowIsEmpty) {
  Image<float> distance(40, 30, -77.0f);
  DistanceWorkspace work;
  for (const double x : {-60.0, 90.0}) {
    const Contour contour = ellipse({x, 15}, 8, 6, 20);
    const PixelBox box = box_around(contour, 1, 40, 30);
    ASSERT_EQ(box.bottom - box.top, 14);
    const std::vector<RowSpan> spans = signed_distance_px(contour, {5, 3}, box, work, distance);
    ASSERT_EQ(spans.size(), 14u);
    for (const RowSpan& span : spans) EXPECT_EQ(span.left, span.right);
  }
  for (const float d : distance.pixels) EXPECT_EQ(d, -77.0f);
}

struct SignedDistanceCase {
  const char* name;
  Contour contour;
};

class SignedDistanceTwin : public ::testing::TestWithParam<SignedDistanceCase> {};

// The fast distance against the obvious one: either direction, an odd size, a box that cuts, and spans that miss
// nothing.
TEST_P(SignedDistanceTwin, AgreesWithTheSlowOne) {
  const int width = 47, height = 53;
  const PixelBox box{2, 3, 45, 50};
  const DistanceBand band{9, 4.5};
  DistanceWorkspace work;
  Contour contour = GetParam().contour;
  for (int direction = 0; direction < 2; ++direction, std::reverse(contour.begin(), contour.end())) {
    Image<float> distance(width, height, -77.0f);
    const std::vector<RowSpan> spans = signed_distance_px(contour, band, box, work, distance);
    ASSERT_EQ(spans.size(), 47u);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) {
          ASSERT_EQ(distance.at(x, y), -77.0f) << x << ", " << y;
          continue;
        }
        const PointMm p{x + 0.5, y + 0.5};
        double least = 1e9;
        bool inside = false;
        for (std::size_t i = 0; i < contour.size(); ++i) {
          const PointMm &a = contour[i], &b = contour[(i + 1) % contour.size()];
          least = std::min(least, distance_to_segment_mm(p, a, b));
          if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (b.x - a.x) * (p.y - a.y) / (b.y - a.y)) inside = !inside;
        }
        if (least < 1e-4) continue;  // on the line either sign is right
        const double expected = inside ? std::min(least, 9.0) : -std::min(least, 4.5);
        ASSERT_NEAR(distance.at(x, y), expected, 1e-3) << x << ", " << y << " direction " << direction;
        const RowSpan& span = spans[static_cast<std::size_t>(y - box.top)];
        ASSERT_TRUE(expected < -4.49 || (x >= span.left && x < span.right)) << x << ", " << y;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Contours, SignedDistanceTwin,
    ::testing::Values(SignedDistanceCase{"star_beyond_the_image",
                                         {{-8, 5}, {30.2, 11.1}, {50, -4}, {41.7, 33}, {61, 60}, {20, 40.4}, {3, 70}}},
                      // Level, upright and repeated sides, a spike of 3 degrees, a notch.
                      SignedDistanceCase{"spike_and_notch",
                                         {{10, 10},
                                          {10, 10},
                                          {40, 10},
                                          {40, 20.5},
                                          {30, 20.5},
                                          {30, 24},
                                          {40, 24},
                                          {40, 40},
                                          {24, 40},
                                          {23, 49},
                                          {22, 40},
                                          {10, 40}}},
                      SignedDistanceCase{"round", ellipse({23.2, 26.9}, 19, 14, 90)},
                      // Two corners of 180 degrees.
                      SignedDistanceCase{"hairpin", {{5, 30}, {40, 31}, {5, 30.5}, {20, 12}}},
                      // A side that crosses another one: its small loop has the other direction.
                      SignedDistanceCase{"small_loop",
                                         {{8, 8}, {38, 8}, {38, 40}, {24, 40}, {20, 44}, {24, 44}, {20, 40}, {8, 40}}}),
    [](const ::testing::TestParamInfo<SignedDistanceCase>& tested) { return tested.param.name; });

TEST(VectorMath, FollowsTheStandardLibrary) {
  for (float x = -20; x < 20; x += 0.0137f) EXPECT_NEAR(fast_exp(x) / std::exp(x), 1, 3e-6);
  for (float x = -126; x <= 126; x += 0.0173f) EXPECT_NEAR(fast_exp2(x) / std::exp2(x), 1, 4e-7) << x;
  EXPECT_EQ(fast_exp2(0), 1);
  EXPECT_EQ(fast_exp2(-1000), std::exp2(-126.0f));
  EXPECT_EQ(fast_exp2(1000), std::exp2(126.0f));
  for (float x = 1e-6f; x < 40; x *= 1.017f) EXPECT_NEAR(fast_log(x), std::log(x), 3e-6);
}

// Every ray holds no negative path, and no more bone mineral than trabecular tissue.
TEST(PathLength, MapsStayPhysical) {
  GenerateConfig config;
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  for (int index = 0; index < 20; ++index) {
    const KneeSample sample = sample_knee(config, planned_sample(Split::kTrain, KlGrade(index % 5), index));
    render_knee(config, sample, resources, work);
    for (std::size_t i = 0; i < work.maps.soft_mm.pixels.size(); ++i) {
      ASSERT_GE(work.maps.cortical_mm.pixels[i], -1e-3f);
      ASSERT_GE(work.maps.trabecular_mm.pixels[i], -1e-3f);
      ASSERT_GE(work.maps.soft_mm.pixels[i], -1e-3f);
      ASSERT_GE(work.maps.fat_mm.pixels[i], -1e-3f);
      ASSERT_LE(work.maps.trabecular_bone_mm.pixels[i], work.maps.trabecular_mm.pixels[i] + 1e-3f);
      ASSERT_LT(work.maps.cortical_mm.pixels[i] + work.maps.trabecular_mm.pixels[i], 140.0f);
    }
  }
}

}  // namespace
}  // namespace genu::generator
