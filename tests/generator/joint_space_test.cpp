#include <gtest/gtest.h>

#include <cmath>

#include "generator/dataset/knee_sample.h"
#include "generator/truth/label_map.h"

namespace genu::generator {
namespace {

KneeSample knee(int grade, int index) {
  return sample_knee(GenerateConfig{}, planned_sample(Split::kTest, KlGrade(grade), index));
}

// The contours' least distance is the sampled width: by construction, for every grade.
TEST(JointSpace, ContoursKeepTheSampledMinima) {
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (int index = 0; index < 200; ++index) {
      const KneeSample sample = knee(grade, index);
      ASSERT_NEAR(measure_jsw_mm(sample.geometry, Compartment::kMedial), sample.features.medial.jsw_mm, 0.01)
          << sample.id;
      ASSERT_NEAR(measure_jsw_mm(sample.geometry, Compartment::kLateral), sample.features.lateral.jsw_mm, 0.01)
          << sample.id;
    }
  }
}

// One knee of 100,000, whose 10 mm defect ends its compartment: there the width jumps by 0.08 mm with the placement. It
// must be built, as near to what was sampled as the contours allow.
TEST(JointSpace, AWornKneeThatNoPlacementMeetsIsBuilt) {
  const KneeSample sample = sample_knee(GenerateConfig{}, planned_sample(Split::kTrain, KlGrade(4), 6065));
  EXPECT_NEAR(sample.geometry.measured.jsw_medial_mm, sample.features.medial.jsw_mm, 0.05);
  EXPECT_NEAR(sample.geometry.measured.jsw_lateral_mm, sample.features.lateral.jsw_mm, 0.05);
}

// Least distance in pixels between femur and tibia labels over the weight-bearing plateau; edge to edge.
double mask_jsw_px(const Image<std::uint8_t>& labels, const KneeSample& sample, Compartment side) {
  const auto is = [](std::uint8_t v, Label label) { return v == static_cast<std::uint8_t>(label); };
  const double half = 0.5 * sample.anatomy.tibia_width_mm, inner = sample.geometry.inner_edge_mm;
  std::vector<PointMm> femur, tibia;
  for (int y = 1; y + 1 < labels.height_px; ++y) {
    for (int x = 0; x < labels.width_px; ++x) {
      const PointMm p = sample.frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
      const double across = side == Compartment::kMedial ? -p.x : p.x;
      if (across < inner + 3 || across > half - 3 || std::abs(p.y) > 16) continue;
      const bool open_below = !is(labels.at(x, y + 1), Label::kFemur) && !is(labels.at(x, y + 1), Label::kSclerosis) &&
                              !is(labels.at(x, y + 1), Label::kCyst) && !is(labels.at(x, y + 1), Label::kPatella);
      const double line = height_at_mm(sample.geometry.tibia_articular_mm, p.x);
      const std::uint8_t label = labels.at(x, y);
      const bool bone = is(label, Label::kFemur) || is(label, Label::kTibia) || is(label, Label::kSclerosis) ||
                        is(label, Label::kCyst) || is(label, Label::kPatella);
      if (!bone) continue;
      if (p.y > line + 0.2 && open_below) femur.push_back({x + 0.5, y + 1.0});
      if (p.y <= line + 0.2 && is(labels.at(x, y - 1), Label::kJointSpace)) tibia.push_back({x + 0.5, y + 0.0});
    }
  }
  double least = 1e9;
  for (const PointMm& f : femur) {
    for (const PointMm& t : tibia) least = std::min(least, std::hypot(f.x - t.x, f.y - t.y));
  }
  return least;
}

// Measured again from the mask's pixels, knowing nothing of how the joint was built: within a pixel's rounding.
TEST(JointSpace, MaskShowsTheManifestsWidth) {
  const GenerateConfig config;
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  double sum = 0;
  int count = 0;
  for (int grade = 0; grade < 4; ++grade) {
    for (int index = 0; index < 15; ++index) {
      const KneeSample sample = knee(grade, index);
      const RenderedKnee rendered = render_knee(config, sample, resources, work);
      for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
        const double expected_px = sample.features.at(side).jsw_mm / sample.frame.pixel_spacing_mm;
        if (expected_px < 3) continue;
        const double measured_px = mask_jsw_px(rendered.labels, sample, side);
        EXPECT_NEAR(measured_px, expected_px, 1.3) << sample.id;
        sum += measured_px - expected_px;
        ++count;
      }
    }
  }
  ASSERT_GT(count, 80);
  EXPECT_NEAR(sum / count, 0, 0.5);
}

TEST(JointSpace, VarusFollowsMedialNarrowing) {
  double medial = 0, lateral = 0;
  int medial_count = 0, lateral_count = 0;
  for (int index = 0; index < 400; ++index) {
    const KneeSample sample = knee(4, index);
    const bool is_lateral = sample.features.lateral.jsn > sample.features.medial.jsn;
    (is_lateral ? lateral : medial) += sample.geometry.hka_deg;
    ++(is_lateral ? lateral_count : medial_count);
  }
  EXPECT_NEAR(medial / medial_count, -6.2, 2.5);  // spec 1.3
  EXPECT_NEAR(lateral / lateral_count, 6.0, 2.5);
}

}  // namespace
}  // namespace genu::generator
