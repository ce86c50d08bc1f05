// A lesion changes the picture where it lies and nowhere else: same knee, one dial moved, pixels away from the lesion
// stay within one grey level. "Away" is beyond the lesion's own extent, given per case in knee millimetres, and the
// reach of blur and edge enhancement.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "generator/dataset/knee_sample.h"

namespace genu::generator {
namespace {

constexpr double kReachMm = 4.5;  // edge enhancement 2 mm box, blur, pixel

struct Circle {
  PointMm centre_mm;
  double radius_mm;
};

class Locality : public ::testing::Test {
 protected:
  KneeSample knee(int grade, int index) const {
    return sample_knee(config_, planned_sample(Split::kTrain, KlGrade(grade), index));
  }
  // The same knee with other features.
  KneeSample with(const KneeSample& sample, const std::function<void(KneeFeatures&)>& change) const {
    KneeSample other = sample;
    change(other.features);
    RandomStream geometry(config_.seed, sample.plan.number, "geometry");
    other.geometry = build_geometry(other.anatomy, other.features, other.positioning, geometry);
    return other;
  }
  // Largest change outside the circles, and inside them.
  struct Change {
    int outside = 0;
    int inside = 0;
    PointMm farthest{};  // of the largest change outside
  };
  Change change_between(const KneeSample& a, const KneeSample& b, const std::vector<Circle>& support) {
    EXPECT_EQ(a.frame.pixel_spacing_mm, b.frame.pixel_spacing_mm);
    const Image<std::uint8_t> before = render_knee(config_, a, resources_, work_).picture;
    const Image<std::uint8_t> after = render_knee(config_, b, resources_, work_).picture;
    Change change;
    for (int y = 0; y < before.height_px; ++y) {
      for (int x = 0; x < before.width_px; ++x) {
        const PointMm p = a.frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
        bool inside = false;
        for (const Circle& c : support) {
          inside |= std::hypot(p.x - c.centre_mm.x, p.y - c.centre_mm.y) < c.radius_mm + kReachMm;
        }
        const int moved = std::abs(before.at(x, y) - after.at(x, y));
        if (!inside && moved > change.outside) change.farthest = p;
        int& most = inside ? change.inside : change.outside;
        most = std::max(most, moved);
      }
    }
    return change;
  }
  void expect_local(const KneeSample& a, const KneeSample& b, const std::vector<Circle>& support) {
    const Change change = change_between(a, b, support);
    EXPECT_LE(change.outside, 1) << a.id << " at " << change.farthest.x << ", " << change.farthest.y << " mm";
    EXPECT_GE(change.inside, 3) << a.id;
  }

  static PointMm margin(const KneeSample& sample, OsteophyteSite site) {
    const bool femoral = site == OsteophyteSite::kFemurMedial || site == OsteophyteSite::kFemurLateral;
    const bool medial = site == OsteophyteSite::kFemurMedial || site == OsteophyteSite::kTibiaMedial;
    const Contour& surface = femoral ? sample.geometry.femur_articular_mm : sample.geometry.tibia_articular_mm;
    return medial ? surface.front() : surface.back();
  }
  static PointMm wear_point(const KneeSample& sample, Compartment side) {
    const double half = 0.5 * sample.anatomy.tibia_width_mm, inner = sample.geometry.inner_edge_mm;
    const double x = half + (inner - half) * sample.features.at(side).wear_centre;
    return {side == Compartment::kMedial ? -x : x, 2};
  }

  GenerateConfig config_;
  RenderResources resources_{config_};
  RenderWorkspace work_{config_.image_size_px};
};

TEST_F(Locality, EachOsteophyteStaysAtItsSite) {
  for (std::size_t i = 0; i < kOsteophyteSiteCount; ++i) {
    for (int index = 0; index < 4; ++index) {
      const auto site = static_cast<OsteophyteSite>(i);
      const KneeSample sample = knee(index, index);
      const KneeSample bare = with(sample, [&](KneeFeatures& f) { f.at(site) = {}; });
      const KneeSample large = with(sample, [&](KneeFeatures& f) { f.at(site) = {3, 7.0, 9.0, 30.0, 22.0}; });
      expect_local(bare, large, {{margin(sample, site), 20}});
    }
  }
}

TEST_F(Locality, SclerosisStaysUnderItsWearCentre) {
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    for (int grade = 0; grade < kKlGradeCount; ++grade) {
      const KneeSample sample = knee(grade, 6);
      const auto set = [&](int score, double thickness_mm) {
        return with(sample, [&](KneeFeatures& f) {
          f.at(side).sclerosis = score;
          f.at(side).sclerosis_thickness_mm = thickness_mm;
        });
      };
      expect_local(set(0, 0), set(3, 12), {{wear_point(sample, side), 28}});
    }
  }
}

TEST_F(Locality, CystStaysInItsBone) {
  for (const Bone bone : {Bone::kTibia, Bone::kFemur}) {
    const KneeSample sample = knee(3, 2);
    const KneeSample none = with(sample, [](KneeFeatures& f) { f.cysts.clear(); });
    const KneeSample one = with(sample, [&](KneeFeatures& f) {
      Cyst cyst;
      cyst.bone = bone;
      cyst.diameter_mm = 8;
      f.cysts = {cyst};
    });
    expect_local(none, one, {{one.geometry.cysts.front().centre_mm, 6}});
  }
}

TEST_F(Locality, AttritionStaysInItsCompartment) {
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    const KneeSample sample = knee(3, 4);
    const auto set = [&](int score, double depth_mm) {
      return with(sample, [&](KneeFeatures& f) {
        f.attrition_compartment = side;
        f.attrition_grade = score;
        f.attrition_depth_mm = depth_mm;
      });
    };
    expect_local(set(0, 0), set(2, 7), {{wear_point(sample, side), 30}});
  }
}

TEST_F(Locality, SpinesAndNotchStayInTheMiddle) {
  for (int index = 0; index < 4; ++index) {
    const KneeSample sample = knee(1, index);
    const auto set = [&](double sharpening_deg, double growth_mm, double narrowing_mm) {
      return with(sample, [&](KneeFeatures& f) {
        f.spine_sharpening_deg = sharpening_deg;
        f.spine_growth_mm = growth_mm;
        f.notch_narrowing_mm = narrowing_mm;
      });
    };
    expect_local(set(0, 0, 0), set(35, 2, 3), {{{0, 6}, 18}});
  }
}

TEST_F(Locality, FabellaStaysBehindItsCondyle) {
  for (int index = 0; index < 4; ++index) {
    const KneeSample sample = knee(index, index);
    const KneeSample none = with(sample, [](KneeFeatures& f) { f.fabella.length_mm = 0; });
    const KneeSample large = with(sample, [](KneeFeatures& f) { f.fabella.length_mm = 12; });
    const PointMm centre = sample.geometry.knee_from_femur(
        {sample.features.fabella.x_share * sample.anatomy.femur_width_mm + sample.positioning.axial_rotation_deg / 1.9,
         sample.features.fabella.y_mm});
    expect_local(none, large, {{centre, 6}});
  }
}

TEST_F(Locality, LooseBodyStaysAtItsPlace) {
  for (std::size_t place = 0; place < kLooseBodyPlaceNames.size(); ++place) {
    const KneeSample sample = knee(3, static_cast<int>(place));
    const KneeSample none = with(sample, [](KneeFeatures& f) { f.loose_bodies.clear(); });
    const KneeSample one = with(sample, [&](KneeFeatures& f) {
      f.loose_bodies = {LooseBody{.place = static_cast<LooseBodyPlace>(place), .length_mm = 10}};
    });
    ASSERT_EQ(one.geometry.calcified_bodies.back().kind, CalcifiedBodyKind::kLooseBody);
    expect_local(none, one, {{one.geometry.calcified_bodies.back().centre_mm, 5.3}});
  }
}

TEST_F(Locality, CalcificationStaysInMeniscusAndCartilage) {
  for (int index = 0; index < 4; ++index) {
    const KneeSample sample = knee(index, index);
    const auto set = [&](Chondrocalcinosis signs) {
      return with(sample, [&](KneeFeatures& f) { f.chondrocalcinosis = signs; });
    };
    const Contour& tibia = sample.geometry.tibia_articular_mm;
    const Circle medial{{tibia.front().x + 7, tibia.front().y + 2}, 10},
        lateral{{tibia.back().x - 7, tibia.back().y + 2}, 10};
    expect_local(set({0, 0, 0}), set({1, 0, 0}), {medial});
    expect_local(set({0, 0, 0}), set({0, 1, 0}), {lateral});
    const PointMm in = wear_point(sample, Compartment::kMedial), out = wear_point(sample, Compartment::kLateral);
    expect_local(set({0, 0, 0}), set({0, 0, 1}), {{{in.x, 4}, 19}, {{out.x, 4}, 19}});
  }
}

// The bright walls lie along the bones' sides, and nowhere else.
TEST_F(Locality, SideCortexFollowsTheBonesSides) {
  const KneeSample sample = knee(1, 2);
  KneeSample walls = sample;
  walls.anatomy.side_cortex_mm = 6;
  RandomStream geometry(config_.seed, walls.plan.number, "geometry");
  walls.geometry = build_geometry(walls.anatomy, walls.features, walls.positioning, geometry);
  ASSERT_EQ(walls.geometry.femur_mm, sample.geometry.femur_mm);
  const Image<std::uint8_t> before = render_knee(config_, sample, resources_, work_).picture;
  const Image<std::uint8_t> after = render_knee(config_, walls, resources_, work_).picture;
  int far = 0, near = 0;
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      const PointMm p = sample.frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
      double distance = 1e9;
      for (const Contour* bone : {&sample.geometry.femur_mm, &sample.geometry.tibia_mm}) {
        for (std::size_t i = 0; i < bone->size(); ++i) {
          distance = std::min(distance, distance_to_segment_mm(p, (*bone)[i], (*bone)[(i + 1) % bone->size()]));
        }
      }
      int& most = distance > 1.3 + kReachMm ? far : near;
      most = std::max(most, std::abs(before.at(x, y) - after.at(x, y)));
    }
  }
  EXPECT_LE(far, 1);
  EXPECT_GE(near, 8);
}

// Exposure is read from the healthy knee: any mixture of lesions leaves the shaft's far corner as it was.
TEST_F(Locality, EverythingAtOnceLeavesTheShaftAlone) {
  const KneeSample sample = knee(4, 1);
  const KneeSample bare = with(sample, [](KneeFeatures& f) {
    f.osteophytes = {};
    f.cysts.clear();
    f.medial.sclerosis = f.lateral.sclerosis = 0;
    f.attrition_depth_mm = 0;
    f.spine_sharpening_deg = f.spine_growth_mm = f.notch_narrowing_mm = 0;
  });
  const Image<std::uint8_t> a = render_knee(config_, sample, resources_, work_).picture;
  const Image<std::uint8_t> b = render_knee(config_, bare, resources_, work_).picture;
  int most = 0, anywhere = 0;
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      const int moved = std::abs(a.at(x, y) - b.at(x, y));
      anywhere = std::max(anywhere, moved);
      if (y < 40) most = std::max(most, moved);
    }
  }
  EXPECT_LE(most, 1);
  EXPECT_GT(anywhere, 5);
}

// Changing the odds of one sign leaves every other sign's draw alone.
TEST(DiseaseStreams, OneSignsOddsDoNotMoveAnother) {
  DiseaseConfig config;
  DiseaseConfig more = config;
  more.cyst = {1, 1, 1, 1, 1};
  more.sclerosis = {1, 1, 1, 1, 1};
  more.fabella = {1, 1, 1, 1, 1};
  more.loose_body = {1, 1, 1, 1, 1};
  more.chondrocalcinosis_share = {1, 1, 1, 1};
  int cysts = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    RandomStream first(5, number, "disease"), second(5, number, "disease");
    KneeFeatures a = sample_features(config, KneeAnatomy{}, KlGrade(3), first);
    KneeFeatures b = sample_features(more, KneeAnatomy{}, KlGrade(3), second);
    cysts += b.cysts.size() > a.cysts.size() ? 1 : 0;
    for (KneeFeatures* f : {&a, &b}) {
      f->cysts.clear();
      f->fabella = {};
      f->loose_bodies.clear();
      f->chondrocalcinosis = {};
      f->medial.sclerosis = f->lateral.sclerosis = 0;
      f->medial.sclerosis_thickness_mm = f->lateral.sclerosis_thickness_mm = 0;
    }
    ASSERT_EQ(a, b) << number;
  }
  EXPECT_GT(cysts, 100);
}

}  // namespace
}  // namespace genu::generator
