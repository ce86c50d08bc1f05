#include "generator/projection/path_lengths.h"

#include <gtest/gtest.h>

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

TEST(SignedDistance, CircleMatchesClosedForm) {
  const Contour circle = ellipse({40.3, 35.8}, 22, 22, 720);
  Image<float> distance(80, 70, -99.0f);
  signed_distance_px(circle, 12, {0, 0, 80, 70}, distance);
  for (int y = 0; y < 70; ++y) {
    for (int x = 0; x < 80; ++x) {
      const double expected = std::clamp(22 - std::hypot(x + 0.5 - 40.3, y + 0.5 - 35.8), -12.0, 12.0);
      ASSERT_NEAR(distance.at(x, y), expected, 2e-3) << x << ", " << y;
    }
  }
}

// The fast row-wise distance against the obvious one, for a contour that leaves the image and an odd size.
TEST(SignedDistance, AgreesWithTheSlowTwin) {
  const Contour star = {{-8, 5}, {30.2, 11.1}, {50, -4}, {41.7, 33}, {61, 60}, {20, 40.4}, {3, 70}};
  const int width = 47, height = 53;
  Image<float> distance(width, height, 0.0f);
  signed_distance_px(star, 9, {0, 0, width, height}, distance);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const PointMm p{x + 0.5, y + 0.5};
      double least = 9;
      bool inside = false;
      for (std::size_t i = 0; i < star.size(); ++i) {
        const PointMm &a = star[i], &b = star[(i + 1) % star.size()];
        least = std::min(least, distance_to_segment_mm(p, a, b));
        if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (b.x - a.x) * (p.y - a.y) / (b.y - a.y)) inside = !inside;
      }
      if (least < 1e-4) continue;  // on the line either sign is right
      ASSERT_NEAR(distance.at(x, y), inside ? least : -least, 1e-3) << x << ", " << y;
    }
  }
}

TEST(VectorMath, FollowsTheStandardLibrary) {
  for (float x = -20; x < 20; x += 0.0137f) EXPECT_NEAR(fast_exp(x) / std::exp(x), 1, 3e-6);
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
