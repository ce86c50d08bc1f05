// Metal: as often as asked, labelled, opaque, where it lies; replaced knees stay out of graded training data.
#include "generator/pathology/hardware.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "generator/dataset/film.h"
#include "generator/dataset/knee_sample.h"
#include "generator/truth/label_map.h"
#include "generator/truth/measure_knee.h"

namespace genu::generator {
namespace {

class HardwareOf : public ::testing::Test {
 protected:
  KneeSample with(int grade, int index, HardwareKind kind) const {
    GenerateConfig config = config_;
    config.dials.set("hardware", static_cast<double>(kind));
    return sample_knee(config, planned_sample(Split::kTest, KlGrade(grade), index));
  }
  RenderedKnee draw(const KneeSample& sample) { return render_knee(config_, sample, resources_, work_); }

  static GenerateConfig plain() {
    GenerateConfig config;
    config.surroundings = {0, 0};
    return config;
  }
  GenerateConfig config_ = plain();
  RenderResources resources_{config_};
  RenderWorkspace work_{config_.image_size_px};
};

TEST(Hardware, OneInAHundredAndNoReplacement) {
  const DiseaseConfig config;
  constexpr int kDraws = 40000;
  std::array<int, 4> count{};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    RandomStream stream(11, i, "hardware");
    ++count[static_cast<std::size_t>(sample_hardware(config, stream).kind)];
  }
  const double four_sd = 4 * std::sqrt(0.005 * 0.995 / kDraws);
  EXPECT_NEAR(count[1] / double{kDraws}, 0.005, four_sd);
  EXPECT_NEAR(count[2] / double{kDraws}, 0.005, four_sd);
  EXPECT_EQ(count[3], 0);
}

TEST(Hardware, ReplacedKneesAreRefusedWhereGradesAreLearnt) {
  GenerateConfig config;
  config.disease.replacement_share = 0.1;
  EXPECT_THROW(check_config(config), ConfigError);
  config.splits = {0, 10, 0};
  EXPECT_NO_THROW(check_config(config));
  config.pairs = true;
  EXPECT_THROW(check_config(config), ConfigError);
  GenerateConfig dialled;
  dialled.dials.set("hardware", 3);
  EXPECT_THROW(check_config(dialled), ConfigError);
  dialled.dials.set("hardware", 2);
  EXPECT_NO_THROW(check_config(dialled));
}

// Spec 7: saturated, -ln T above 7; the label covers the outlines and nothing else.
TEST_F(HardwareOf, IsOpaqueAndLabelled) {
  for (const HardwareKind kind : {HardwareKind::kStaple, HardwareKind::kScrew, HardwareKind::kReplacement}) {
    for (int index = 0; index < 6; ++index) {
      const KneeSample sample = with(2, index, kind);
      const Image<std::uint8_t> labels = draw(sample).labels;
      ASSERT_FALSE(sample.geometry.metal.empty());
      const Image<float>& metal = work_.maps.metal_mm;
      const AttenuationModel& model = resources_.attenuation.at(70);
      int labelled = 0, bare = 0, dense = 0, thick = 0;
      for (int y = 0; y < 224; ++y) {
        for (int x = 0; x < 224; ++x) {
          const bool label = labels.at(x, y) == static_cast<std::uint8_t>(Label::kHardware);
          labelled += label ? 1 : 0;
          bare += label && !(metal.at(x, y) > 0) ? 1 : 0;
          const double through =
              -std::log(model.transmission(work_.maps.cortical_mm.at(x, y) + work_.maps.trabecular_bone_mm.at(x, y),
                                           work_.maps.soft_mm.at(x, y), work_.maps.fat_mm.at(x, y))) +
              0.76 * metal.at(x, y);
          dense += through > 7 ? 1 : 0;
          thick += 0.76 * metal.at(x, y) > 3 ? 1 : 0;
          // The edge is soft over a third of a pixel, so a neighbour at most is unlabelled.
          bool near = false;
          for (int dy = -1; dy <= 1; ++dy) {
            for (int dx = -1; dx <= 1; ++dx) {
              const int nx = std::clamp(x + dx, 0, 223), ny = std::clamp(y + dy, 0, 223);
              near |= labels.at(nx, ny) == static_cast<std::uint8_t>(Label::kHardware);
            }
          }
          EXPECT_TRUE(near || !(metal.at(x, y) > 0)) << sample.id;
        }
      }
      EXPECT_EQ(bare, 0) << sample.id;
      EXPECT_GT(labelled, 80) << sample.id;
      // Wire of 3 mm lets through what a thin leg does not stop; a screw or shell nothing.
      EXPECT_GT(dense, kind == HardwareKind::kStaple ? 0 : 0.4 * labelled) << sample.id;
      EXPECT_GT(thick, 0.5 * labelled) << sample.id;
      std::size_t outlines = 0;
      for (const LesionOutline& lesion : lesions_of(sample.geometry)) {
        outlines += lesion.kind == LesionKind::kHardware ? 1 : 0;
      }
      EXPECT_EQ(outlines, kind == HardwareKind::kReplacement ? 3u : 1u);
    }
  }
}

TEST_F(HardwareOf, StapleAndScrewMoveNothingElse) {
  for (const HardwareKind kind : {HardwareKind::kStaple, HardwareKind::kScrew}) {
    for (int index = 0; index < 6; ++index) {
      const KneeSample none = with(index % 5, index, HardwareKind::kNone), one = with(index % 5, index, kind);
      const RenderedKnee before = draw(none), after = draw(one);
      const Contour outline = to_image_px(one.geometry.metal.front().outline_mm, one.frame);
      const double reach = 4.5 / one.frame.pixel_spacing_mm;
      const PixelBox box = box_around(outline, reach, 224, 224);
      int outside = 0, inside = 0;
      for (int y = 0; y < 224; ++y) {
        for (int x = 0; x < 224; ++x) {
          const bool in = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
          int& most = in ? inside : outside;
          most = std::max(most, std::abs(before.picture.at(x, y) - after.picture.at(x, y)));
          if (!in) {
            ASSERT_EQ(before.labels.at(x, y), after.labels.at(x, y));
          }
        }
      }
      EXPECT_LE(outside, 1) << one.id;
      EXPECT_GE(inside, 5) << one.id;
      EXPECT_EQ(one.kl, none.kl);
    }
  }
}

// The liner's thickness stands between shell and tray, and what disease did is gone.
TEST_F(HardwareOf, ReplacementLeavesItsLinerAlone) {
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (int index = 0; index < 4; ++index) {
      const KneeSample sample = with(grade, index, HardwareKind::kReplacement);
      EXPECT_TRUE(sample.geometry.osteophytes.empty() && sample.geometry.cysts.empty());
      const double liner = sample.features.hardware.liner_mm;
      EXPECT_TRUE(liner >= 8 && liner <= 10);
      EXPECT_NEAR(sample.geometry.measured.jsw_medial_mm, liner, 0.1);
      EXPECT_NEAR(sample.geometry.measured.jsw_lateral_mm, liner, 0.1);
      EXPECT_EQ(sample.features.medial.jsw_mm, liner);
      const Image<std::uint8_t> labels = draw(sample).labels;
      // Up from the tray at a quarter of its width: joint space, then the shell.
      const PointMm tray = sample.frame.image_px_from_knee_mm({0.26 * sample.anatomy.femur_width_mm, 0});
      int gap = 0, y = static_cast<int>(tray.y) - 1;
      const int x = static_cast<int>(tray.x);
      while (y >= 0 && labels.at(x, y) != static_cast<std::uint8_t>(Label::kHardware)) {
        --y;
        ++gap;
      }
      EXPECT_NEAR(gap * sample.frame.pixel_spacing_mm, liner, 1.2) << sample.id;
    }
  }
}

// A film of two knees, one with a screw: the plane is there for both halves.
TEST(HardwareOnFilms, ShowsInItsHalf) {
  GenerateConfig config;
  config.film.pixel_spacing_mm = 1.0;
  config.detector.motion_share = 0;
  FilmSample film = sample_film(config, 3);
  const FilmResources resources(config);
  FilmWorkspace work(config);
  for (KneeSample& knee : film.knees) knee.geometry.metal.clear();
  const Image<float> before = render_film(config, film, resources, work);
  EXPECT_TRUE(work.maps.metal_mm.pixels.empty());
  KneeSample& right = film.knees[0];
  right.geometry.metal.push_back({"screw", ellipse({0, -25}, 6, 6, 20), 8, 5});
  const Image<float> after = render_film(config, film, resources, work);
  const PointMm at = right.frame.image_px_from_knee_mm({0, -25});
  EXPECT_GT(after.at(static_cast<int>(at.x), static_cast<int>(at.y)),
            before.at(static_cast<int>(at.x), static_cast<int>(at.y)) + 0.05f);
  // The look-up is centred on both knees' boxes, so the other half moves by that alone.
  float most = 0;
  for (int y = 0; y < after.height_px; ++y) {
    for (int x = after.width_px / 2; x < after.width_px; ++x) {
      most = std::max(most, std::abs(after.at(x, y) - before.at(x, y)));
    }
  }
  EXPECT_LT(most, 0.01f);
}

}  // namespace
}  // namespace genu::generator
