// Collimation, side letter and motion: where they are asked for, of the asked size, and nowhere else.
#include "generator/display/surroundings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "generator/dataset/knee_sample.h"

namespace genu::generator {
namespace {

class SurroundingsOf : public ::testing::Test {
 protected:
  RenderedKnee draw(const KneeSample& sample) { return render_knee(config_, sample, resources_, work_); }
  // A knee with neither border nor letter nor motion.
  KneeSample bare(int grade, int index) const {
    KneeSample sample = sample_knee(config_, planned_sample(Split::kTrain, KlGrade(grade), index));
    sample.surroundings.border = Border::kNone;
    sample.surroundings.marker_mm = 0;
    sample.exposure.motion_mm = 0;
    return sample;
  }

  GenerateConfig config_;
  RenderResources resources_{config_};
  RenderWorkspace work_{config_.image_size_px};
};

TEST(SurroundingsDraws, FollowTheirSharesAndRanges) {
  const SurroundingsConfig config;
  const DetectorConfig detector;
  constexpr int kDraws = 20000;
  int borders = 0, black = 0, letters = 0, moved = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    RandomStream stream(3, i, "surroundings"), motion(3, i, "motion");
    const Surroundings s = sample_surroundings(config, stream);
    Exposure exposure;
    sample_motion(detector, motion, exposure);
    borders += s.border == Border::kNone ? 0 : 1;
    black += s.border == Border::kBlack ? 1 : 0;
    letters += s.marker_mm > 0 ? 1 : 0;
    moved += exposure.motion_mm > 0 ? 1 : 0;
    EXPECT_TRUE(s.marker_mm == 0 || (s.marker_mm >= 8 && s.marker_mm <= 15));
    EXPECT_TRUE(s.border_softness_px >= 1 && s.border_softness_px <= 3);
    EXPECT_TRUE(exposure.motion_mm == 0 || (exposure.motion_mm >= 0.3 && exposure.motion_mm <= 0.8));
  }
  // Four standard deviations of a share: 1 in 16,000 runs of other seeds would fail.
  const auto limit = [](double share) { return 4 * std::sqrt(share * (1 - share) / kDraws); };
  EXPECT_NEAR(borders / double{kDraws}, 0.05, limit(0.05));
  EXPECT_NEAR(black / double{kDraws}, 0.025, limit(0.025));
  EXPECT_NEAR(letters / double{kDraws}, 0.03, limit(0.03));
  EXPECT_NEAR(moved / double{kDraws}, 0.10, limit(0.10));
}

TEST_F(SurroundingsOf, BorderTakesItsWidthOnItsSideAndHidesTheLabels) {
  for (const PictureSide side :
       {PictureSide::kMedial, PictureSide::kLateral, PictureSide::kUpper, PictureSide::kLower}) {
    for (const Border colour : {Border::kBlack, Border::kWhite}) {
      for (int index = 0; index < 4; ++index) {
        const KneeSample open = bare(2, index);
        KneeSample sample = open;
        sample.surroundings.border = colour;
        sample.surroundings.border_side = side;
        sample.surroundings.border_share = 0.08;
        sample.surroundings.border_softness_px = 3;
        const RenderedKnee before = draw(open), after = draw(sample);
        const bool right = (side == PictureSide::kLateral) == (sample.anatomy.side == KneeSide::kLeft);
        int hidden = 0, soft = 0;
        for (int i = 0; i < 224; ++i) {
          const bool upright = side == PictureSide::kMedial || side == PictureSide::kLateral;
          const bool far = upright ? right : side == PictureSide::kLower;
          const int depth = far ? 223 - i : i;
          const int x = upright ? depth : 112, y = upright ? 112 : depth;
          const int want = colour == Border::kWhite ? 252 : 3;
          hidden += after.picture.at(x, y) == want ? 1 : 0;
          soft += after.picture.at(x, y) != want && after.picture.at(x, y) != before.picture.at(x, y) ? 1 : 0;
          if (i < 16) {
            EXPECT_EQ(after.labels.at(x, y), 0) << i;
          } else if (i > 20) {
            EXPECT_EQ(after.labels.at(x, y), before.labels.at(x, y)) << i;
            EXPECT_EQ(after.picture.at(x, y), before.picture.at(x, y)) << i;
          }
        }
        EXPECT_NEAR(hidden + 0.5 * soft, 0.08 * 224, 1.1);
        EXPECT_LE(soft, 4);
      }
    }
  }
}

// The letter stands in the lateral upper corner, as high as it says, readable (not mirrored), and moves nothing else.
TEST_F(SurroundingsOf, LetterStandsInTheLateralUpperCorner) {
  for (int index = 0; index < 12; ++index) {
    const KneeSample plain = bare(1, index);
    KneeSample sample = plain;
    sample.surroundings.marker_mm = 12;
    sample.surroundings.marker_tilt_deg = 0;
    const RenderedKnee before = draw(plain), after = draw(sample);
    EXPECT_EQ(before.labels, after.labels);
    const bool left = sample.anatomy.side == KneeSide::kLeft;
    int first_x = 224, last_x = 0, first_y = 224, last_y = 0, foot = 0;
    for (int y = 0; y < 224; ++y) {
      for (int x = 0; x < 224; ++x) {
        if (after.picture.at(x, y) < 250) {
          if (x > 50 && x < 174) {
            ASSERT_EQ(after.picture.at(x, y), before.picture.at(x, y));
          }
          continue;
        }
        first_x = std::min(first_x, x), last_x = std::max(last_x, x);
        first_y = std::min(first_y, y), last_y = std::max(last_y, y);
      }
    }
    const double px = 1 / sample.frame.pixel_spacing_mm;
    // Strokes are 0.17 of the height wide and reach half of that beyond it.
    EXPECT_NEAR(last_y - first_y + 1, 1.17 * 12 * px, 2.5) << sample.id;
    EXPECT_EQ(first_x > 112, left) << sample.id;
    EXPECT_LT(last_y, 224 / 3);
    // An L has its foot to the right of its stem, an R its stem on the left: the leftmost stroke is the tallest.
    for (int y = first_y; y <= last_y; ++y) foot += after.picture.at(first_x + 2, y) >= 250 ? 1 : 0;
    EXPECT_GT(foot, 0.8 * (last_y - first_y)) << sample.id;
  }
}

TEST_F(SurroundingsOf, KneesWithoutThemAreTheSameWhateverTheShares) {
  GenerateConfig none = config_;
  none.surroundings = {0, 0};
  none.detector.motion_share = 0;
  int plain = 0;
  for (int index = 0; index < 40; ++index) {
    const PlannedSample plan = planned_sample(Split::kTrain, KlGrade(index % 5), index);
    const KneeSample a = sample_knee(config_, plan), b = sample_knee(none, plan);
    const bool has = a.surroundings.border != Border::kNone || a.surroundings.marker_mm > 0 || a.exposure.motion_mm > 0;
    plain += has ? 0 : 1;
    EXPECT_EQ(draw(a).picture == draw(b).picture, !has) << a.id;
  }
  EXPECT_GT(plain, 20);
}

// A point becomes a line: as long as asked, along its direction, of the same weight; edges are held.
TEST(MotionBlur, SpreadsAPointAlongItsDirection) {
  for (const double length : {0.7, 1.9, 5.0, 17.0}) {
    for (const double direction : {0.0, 30.0, 90.0, 135.0}) {
      Image<float> image(61, 61, 0.0f);
      image.at(30, 30) = 1;
      motion_blur(length, direction, image);
      const double c = std::cos(direction * std::numbers::pi / 180), s = std::sin(direction * std::numbers::pi / 180);
      double sum = 0, along = 0, across = 0;
      for (int y = 0; y < 61; ++y) {
        for (int x = 0; x < 61; ++x) {
          const double v = image.at(x, y);
          sum += v;
          along += v * std::pow(c * (x - 30) + s * (y - 30), 2);
          across += v * std::pow(-s * (x - 30) + c * (y - 30), 2);
        }
      }
      EXPECT_NEAR(sum, 1, 1e-4);
      // A line's variance is length^2 / 12; sharing between neighbours adds at most 1/4.
      EXPECT_GE(along, length * length / 12 - 0.02);
      EXPECT_LE(along, length * length / 12 + 0.27);
      EXPECT_LE(across, 0.27);
    }
  }
  Image<float> flat(9, 7, 2.5f);
  motion_blur(6, 20, flat);
  for (const float v : flat.pixels) EXPECT_NEAR(v, 2.5f, 1e-5f);
}

}  // namespace
}  // namespace genu::generator
