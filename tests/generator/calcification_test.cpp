// Fabella, loose bodies, chondrocalcinosis: as often, as large and as dense as the config says.
#include "generator/pathology/calcification.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "generator/dataset/knee_sample.h"
#include "generator/detector/attenuation.h"
#include "generator/projection/calcified_paths.h"

namespace genu::generator {
namespace {

// Four standard deviations of a share.
double limit(double share, int draws) { return 4 * std::sqrt(std::max(share * (1 - share), 1e-3) / draws); }

TEST(Calcification, SharesFollowTheTables) {
  const DiseaseConfig config;
  constexpr int kDraws = 6000;
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    int fabellae = 0, bodies = 0, lateral = 0, medial = 0;
    for (std::uint64_t i = 0; i < kDraws; ++i) {
      RandomStream a(7, i, "fabella"), b(7, i, "loose bodies"), c(7, i, "chondrocalcinosis");
      const Fabella fabella = sample_fabella(config, KlGrade(grade), a);
      fabellae += fabella.length_mm > 0 ? 1 : 0;
      EXPECT_TRUE(fabella.length_mm == 0 || (fabella.length_mm >= 4.9 && fabella.length_mm <= 12)) << i;
      EXPECT_TRUE(fabella.y_mm >= 10 && fabella.y_mm <= 25);
      const auto loose = sample_loose_bodies(config, KlGrade(grade), b);
      bodies += loose.empty() ? 0 : 1;
      for (const LooseBody& body : loose) EXPECT_TRUE(body.length_mm >= 3 && body.length_mm <= 10);
      const Chondrocalcinosis signs = sample_chondrocalcinosis(config, 69.5, KlGrade(grade), c);
      lateral += signs.lateral > 0 ? 1 : 0;
      medial += signs.medial > 0 ? 1 : 0;
      EXPECT_TRUE(signs.cartilage == 0 || signs.lateral + signs.medial > 0);
    }
    const auto k = static_cast<std::size_t>(grade);
    const auto share = [](int count) { return count / double{kDraws}; };
    EXPECT_NEAR(share(fabellae), config.fabella[k], limit(config.fabella[k], kDraws));
    EXPECT_NEAR(share(bodies), config.loose_body[k], limit(config.loose_body[k], kDraws));
    const double calcified = chondrocalcinosis_share(config, 69.5, KlGrade(grade));
    EXPECT_NEAR(share(lateral), 0.9 * calcified, limit(0.9 * calcified, kDraws));
    EXPECT_GT(lateral, medial);
  }
}

TEST(Calcification, OddsRatioAndPopulationShareHold) {
  const DiseaseConfig config;
  const auto odds = [](double p) { return p / (1 - p); };
  for (const auto& [age, population] : {std::pair{62.0, 0.057}, std::pair{69.5, 0.15}, std::pair{90.0, 0.44}}) {
    const double without = chondrocalcinosis_share(config, age, KlGrade(1)),
                 with = chondrocalcinosis_share(config, age, KlGrade(2));
    EXPECT_NEAR(odds(with) / odds(without), 2.0, 1e-9);
    EXPECT_NEAR(0.7 * without + 0.3 * with, population, 0.02 * population + 0.004);
  }
  DiseaseConfig none = config;
  none.chondrocalcinosis_share = {0, 0, 0, 0};
  EXPECT_EQ(chondrocalcinosis_share(none, 90, KlGrade(4)), 0);
}

class CalcifiedPaths : public ::testing::Test {
 protected:
  KneeSample with(int grade, int index, const char* dial, double value) const {
    GenerateConfig config = config_;
    config.dials.set(dial, value);
    return sample_knee(config, planned_sample(Split::kTrain, KlGrade(grade), index));
  }
  PathLengthMaps maps_of(const KneeSample& sample) {
    render_knee(config_, sample, resources_, work_);
    return work_.maps;
  }
  static double attenuation_at(const PathLengthMaps& maps, int x, int y) {
    const double mineral = maps.trabecular_bone_mm.at(x, y), tissue = maps.trabecular_mm.at(x, y);
    return integrated_attenuation(
        70, {maps.cortical_mm.at(x, y) + mineral, maps.soft_mm.at(x, y), maps.fat_mm.at(x, y) + tissue - mineral});
  }

  GenerateConfig config_;
  RenderResources resources_{config_};
  RenderWorkspace work_{config_.image_size_px};
};

// Spec 7: 8-12 % of the condyle's log attenuation, more where the knee is thin.
TEST_F(CalcifiedPaths, FabellaAddsItsContrast) {
  double sum = 0;
  constexpr int kKnees = 24;
  for (int index = 0; index < kKnees; ++index) {
    const KneeSample none = with(1, index, "fabella_mm", 0), one = with(1, index, "fabella_mm", 9);
    const PathLengthMaps before = maps_of(none), after = maps_of(one);
    const PointMm at = one.frame.image_px_from_knee_mm(one.geometry.calcified_bodies.front().centre_mm);
    const int x = static_cast<int>(at.x), y = static_cast<int>(at.y);
    const double gain = attenuation_at(after, x, y) / attenuation_at(before, x, y) - 1;
    EXPECT_GT(gain, 0.06);
    EXPECT_LT(gain, 0.15);
    sum += gain / kKnees;
  }
  EXPECT_NEAR(sum, 0.10, 0.02);
}

// The picture's body is the outline's: the same area and middle.
TEST_F(CalcifiedPaths, BodiesFillTheirOutlines) {
  for (const char* dial : {"fabella_mm", "loose_body_mm"}) {
    for (int index = 0; index < 8; ++index) {
      const KneeSample none = with(2, index, dial, 0), one = with(2, index, dial, 10);
      const PathLengthMaps before = maps_of(none), after = maps_of(one);
      const Contour outline = to_image_px(one.geometry.calcified_bodies.back().outline_mm, one.frame);
      double twice = 0, mx = 0, my = 0;
      for (std::size_t i = 0; i < outline.size(); ++i) {
        const PointMm &a = outline[i], &b = outline[(i + 1) % outline.size()];
        twice += a.x * b.y - b.x * a.y;
        mx += a.x / static_cast<double>(outline.size());
        my += a.y / static_cast<double>(outline.size());
      }
      double area = 0, x_sum = 0, y_sum = 0;
      for (int y = 0; y < 224; ++y) {
        for (int x = 0; x < 224; ++x) {
          if (!(after.cortical_mm.at(x, y) > before.cortical_mm.at(x, y) + 1e-4f)) continue;
          area += 1;
          x_sum += x + 0.5;
          y_sum += y + 0.5;
        }
      }
      if (std::string_view(dial) == "loose_body_mm" && one.features.loose_bodies.size() > 1) continue;
      EXPECT_NEAR(area, 0.5 * std::abs(twice), 0.06 * area) << one.id;
      EXPECT_NEAR(x_sum / area, mx, 0.5) << one.id;
      EXPECT_NEAR(y_sum / area, my, 0.5) << one.id;
    }
  }
}

// Grains are as much bone at any pixel size.
TEST_F(CalcifiedPaths, GrainsKeepTheirVolume) {
  CalcificationShape shape;
  double volume = 0;
  for (int i = 0; i < 60; ++i) {
    const double radius = 0.15 + 0.25 * i / 60;
    shape.grains.push_back({{-20 + 0.67 * i, 10 + 0.31 * i}, radius, 1.0});
    volume += 3.14159265 * radius * radius;
  }
  for (const int size : {112, 224, 512, 1024}) {
    Positioning positioning;
    const ImageFrame frame = make_frame(size, 80, 0, KneeSide::kLeft, positioning);
    PathLengthMaps maps;
    maps.cortical_mm.reset(size, size, 0.0f);
    add_calcification(shape, frame, maps);
    double sum = 0;
    for (const float path : maps.cortical_mm.pixels) sum += path;
    EXPECT_NEAR(sum * frame.pixel_spacing_mm * frame.pixel_spacing_mm, volume, 0.12 * volume) << size;
  }
}

TEST_F(CalcifiedPaths, AmountAddsGrainsAndMovesNone) {
  const KneeSample some = with(1, 3, "chondrocalcinosis", 0.4), much = with(1, 3, "chondrocalcinosis", 1);
  const auto& few = some.geometry.calcifications.front().grains;
  const auto& many = much.geometry.calcifications.front().grains;
  ASSERT_LT(few.size(), many.size());
  ASSERT_GT(few.size(), 5u);
  for (std::size_t i = 0; i < few.size(); ++i) EXPECT_EQ(few[i].at_mm, many[i].at_mm);
}

// What a knee was born with, both members of a pair have; what it has gained stays.
TEST(CalcificationPairs, MembersShareTheirFabellaAndLoseNothing) {
  GenerateConfig config;
  config.pairs = true;
  config.disease.fabella = {0.5, 0.5, 0.5, 0.5, 0.5};
  config.disease.loose_body = {0.5, 0.5, 0.5, 0.5, 0.5};
  config.disease.chondrocalcinosis_share = {0.4, 0.4, 0.4, 0.4};
  for (int index = 0; index < 30; ++index) {
    const KlGrade from(index % 4), to(index % 4 + 1);
    const KneeFeatures mild = sample_knee(config, planned_pair_member(Split::kTrain, from, index, from)).features,
                       severe = sample_knee(config, planned_pair_member(Split::kTrain, from, index, to)).features;
    EXPECT_EQ(mild.fabella, severe.fabella);
    EXPECT_TRUE(mild.loose_bodies.empty() || mild.loose_bodies == severe.loose_bodies);
    EXPECT_LE(mild.chondrocalcinosis.medial, severe.chondrocalcinosis.medial);
    EXPECT_LE(mild.chondrocalcinosis.lateral, severe.chondrocalcinosis.lateral);
  }
}

}  // namespace
}  // namespace genu::generator
