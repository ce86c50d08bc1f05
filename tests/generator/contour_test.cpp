#include "generator/geometry/contour.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace genu::generator {
namespace {

TEST(Contour, GapOfParallelLinesIsTheirDistance) {
  const Contour upper = {{-10, 3}, {0, 3}, {10, 3}};
  const Contour lower = {{-10, 0.5}, {10, 0.5}};
  EXPECT_DOUBLE_EQ(signed_gap_mm(upper, lower), 2.5);
}

TEST(Contour, GapOfTiltedLineIsPerpendicularNotVertical) {
  // A point 2 above a 45-degree line is sqrt(2) from it.
  const Contour upper = {{0, 2}};
  const Contour lower = {{-5, -5}, {5, 5}};
  EXPECT_NEAR(signed_gap_mm(upper, lower), std::numbers::sqrt2, 1e-12);
}

TEST(Contour, OverlapIsNegative) {
  const Contour upper = {{-10, 0}, {0, -1}, {10, 0}};
  const Contour lower = {{-10, -0.25}, {10, -0.25}};
  EXPECT_DOUBLE_EQ(signed_gap_mm(upper, lower), -0.75);
}

TEST(Contour, SmoothCurvePassesThroughItsControls) {
  const Contour controls = {{0, 0}, {1, 2}, {4, 3}, {5, -1}};
  const Contour curve = smooth_open_curve(controls, 5);
  ASSERT_EQ(curve.size(), 16u);
  for (std::size_t i = 0; i < controls.size(); ++i) EXPECT_EQ(curve[5 * i], controls[i]);
}

TEST(Contour, RigidMotionKeepsDistances) {
  const RigidMotion motion{0.3, 4, -2};
  const PointMm a = motion({1, 2}), b = motion({4, 6});
  EXPECT_NEAR(std::hypot(a.x - b.x, a.y - b.y), 5, 1e-12);
  const PointMm turned = RigidMotion{std::numbers::pi / 2, 0, 0}({1, 0});
  EXPECT_NEAR(turned.y, 1, 1e-12);
}

}  // namespace
}  // namespace genu::generator
