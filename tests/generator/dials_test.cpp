// Dials, sweeps and pairs: a dial changes what it names and nothing else, a sweep draws the same knee, a pair is one
// knee at two stages of its disease; and knees whose femur stays where it stood.
#include "generator/dataset/dials.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "generator/dataset/knee_sample.h"
#include "generator/dataset/sweep.h"
#include "tests/temporary_folder.h"

namespace genu::generator {
namespace {

PlannedSample knee(int grade, int index) { return planned_sample(Split::kTrain, KlGrade(grade), index); }

KneeSample turned(const PlannedSample& plan, const std::string& dial, double value) {
  GenerateConfig config;
  config.dials.set(dial, value);
  return sample_knee(config, plan);
}

// Names of the stages that two samples differ in.
std::set<std::string> differing(const KneeSample& a, const KneeSample& b) {
  std::set<std::string> stages;
  const auto differ = [&](const char* stage, bool equal) {
    if (!equal) stages.insert(stage);
  };
  differ("anatomy", a.anatomy == b.anatomy);
  differ("features", a.features == b.features);
  differ("positioning", a.positioning == b.positioning);
  differ("exposure", a.exposure == b.exposure);
  differ("look", a.look == b.look);
  differ("surroundings", a.surroundings == b.surroundings);
  return stages;
}

// Every dial at two of its values: one stage of the sampled knee differs, and the picture does.
TEST(Dials, EachTurnsOneStageAndThePicture) {
  GenerateConfig config;
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  for (const Dial& dial : all_dials()) {
    const double low = dial.range.low, high = std::min(dial.range.high, low + 0.6 * (dial.range.high - low));
    KneeSample a = turned(knee(3, 2), dial.name, low), b = turned(knee(3, 2), dial.name, high);
    EXPECT_EQ(differing(a, b).size(), 1u) << dial.name;
    GenerateConfig with_low, with_high;
    with_low.dials.set(dial.name, low);
    with_high.dials.set(dial.name, high);
    const auto before = render_knee(with_low, a, resources, work).picture;
    EXPECT_NE(before, render_knee(with_high, b, resources, work).picture) << dial.name;
  }
}

// Unset dials leave the knee as chance gave it; set to what chance gave, they change nothing either.
TEST(Dials, SetToWhatChanceGaveChangesNothing) {
  const KneeSample free = sample_knee(GenerateConfig{}, knee(3, 5));
  GenerateConfig same;
  same.dials.set("jsw_medial_mm", free.features.medial.jsw_mm);
  same.dials.set("lateral_shift_mm", free.features.lateral_shift_mm);
  same.dials.set("tilt_deg", free.positioning.tilt_deg);
  same.dials.set("mean_grey", free.look.mean_grey);
  const KneeSample set = sample_knee(same, knee(3, 5));
  EXPECT_EQ(differing(free, set), std::set<std::string>{});
  EXPECT_EQ(free.geometry.femur_mm, set.geometry.femur_mm);
}

TEST(Dials, NarrowingAndLipsMoveTheGradeByTheRule) {
  EXPECT_EQ(turned(knee(0, 1), "jsw_medial_mm", 0).kl, KlGrade(4));
  EXPECT_EQ(turned(knee(0, 1), "osteophyte_tm_mm", 3).kl, KlGrade(2));
  EXPECT_EQ(turned(knee(0, 1), "osteophyte_tm_mm", 0.7).kl, KlGrade(1));
  EXPECT_EQ(turned(knee(0, 1), "sclerosis_medial", 3).kl, KlGrade(0));
}

TEST(Dials, FaultsNameTheDialAndItsRange) {
  DialsConfig dials;
  EXPECT_THROW(dials.set("jsw_medial", 3), UsageError);
  EXPECT_THROW(dials.set("jsw_medial_mm", -0.1), UsageError);
  EXPECT_THROW(dials.set("jsw_medial_mm", std::nan("")), UsageError);
}

TEST(Sweep, ReadsItsForm) {
  const SweepAxis axis = parse_sweep("jsw_medial_mm=0:6:13");
  EXPECT_EQ(axis.dial, "jsw_medial_mm");
  ASSERT_EQ(axis.values.size(), 13u);
  EXPECT_EQ(axis.values.front(), 0);
  EXPECT_EQ(axis.values[1], 0.5);
  EXPECT_EQ(axis.values.back(), 6);
  for (const char* wrong :
       {"", "jsw_medial_mm", "jsw_medial_mm=0:6", "jsw_medial_mm=0:6:0", "jsw_medial_mm=0:6:101", "jsw_medial_mm=a:6:3",
        "jsw_medial_mm=0:6:3x", "no_such_dial=0:6:3", "jsw_medial_mm=0:99:3"}) {
    EXPECT_THROW(parse_sweep(wrong), UsageError) << wrong;
  }
  for (const char* wrong : {"", "3", "5:0", "0:-1", "0:x"}) EXPECT_THROW(parse_knee(wrong), UsageError) << wrong;
}

// The same knee in every picture of the strip: its upper rows stay within a grey level while the joint closes below
// them, and the table holds the widths that were asked for.
TEST(Sweep, DrawsOneKneeAndItsTable) {
  const TemporaryFolder folder;
  GenerateConfig config;
  config.image_size_px = 128;
  write_sweep(config, {parse_sweep("sclerosis_medial=0:3:4")}, parse_knee("3:1"), folder.path() / "strip.png");
  const PngImage strip = decode_png(read_file(folder.path() / "strip.png"), "strip.png");
  ASSERT_EQ(strip.width_px, 4 * (128 + 4) + 4);
  const auto at = [&](int picture, int x, int y) {
    return strip.bytes[static_cast<std::size_t>((y + 4) * strip.width_px + picture * 132 + 4 + x)];
  };
  int above = 0, below = 0;
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) {
      int& most = y < 30 ? above : below;
      most = std::max(most, std::abs(at(0, x, y) - at(3, x, y)));
    }
  }
  EXPECT_LE(above, 1);
  EXPECT_GE(below, 5);

  write_sweep(config, {parse_sweep("jsw_medial_mm=0:6:4"), parse_sweep("osteophyte_tm_mm=0:5:2")}, parse_knee("0:2"),
              folder.path() / "grid.png");
  const CsvTable table = CsvTable::read(folder.path() / "grid.csv");
  ASSERT_EQ(table.size(), 8u);
  int least_kl = 4, most_kl = 0;
  for (std::size_t row = 0; row < table.size(); ++row) {
    const auto number = [&](const char* name) { return std::stod(std::string(table.cell(row, table.column(name)))); };
    EXPECT_NEAR(number("is_jsw_medial_mm"), number("jsw_medial_mm"), 1e-3);
    least_kl = std::min(least_kl, static_cast<int>(number("is_kl")));
    most_kl = std::max(most_kl, static_cast<int>(number("is_kl")));
  }
  EXPECT_EQ(least_kl, 0);
  EXPECT_EQ(most_kl, 4);
  EXPECT_THROW(write_sweep(config, {}, parse_knee("0:2"), folder.path() / "none.png"), UsageError);
}

// The severe member has the next grade, the same body, pose and exposure, and no sign less than the milder one.
TEST(Pairs, AreOneKneeAtTwoStages) {
  GenerateConfig config;
  config.pairs = true;
  for (int index = 0; index < 60; ++index) {
    const KlGrade from(index % 4), to(index % 4 + 1);
    const KneeSample mild = sample_knee(config, planned_pair_member(Split::kTrain, from, index, from));
    const KneeSample severe = sample_knee(config, planned_pair_member(Split::kTrain, from, index, to));
    EXPECT_EQ(mild.kl, from);
    EXPECT_EQ(severe.kl, to);
    EXPECT_EQ(mild.plan.subject, severe.plan.subject);
    EXPECT_EQ(differing(mild, severe), std::set<std::string>{"features"}) << mild.id;
    for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
      EXPECT_LE(severe.features.at(side).jsw_mm, mild.features.at(side).jsw_mm) << mild.id;
      EXPECT_GE(severe.features.at(side).sclerosis, mild.features.at(side).sclerosis) << mild.id;
    }
    for (std::size_t site = 0; site < kOsteophyteSiteCount; ++site) {
      EXPECT_GE(severe.features.osteophytes[site].protrusion_mm, mild.features.osteophytes[site].protrusion_mm)
          << mild.id;
    }
    EXPECT_GE(severe.features.cysts.size(), mild.features.cysts.empty() ? 0u : 1u);
    EXPECT_GE(severe.features.attrition_depth_mm, mild.features.attrition_depth_mm);
  }
}

// Mean of a number over 120 knees of a grade.
double mean_of(const GenerateConfig& config, int grade, double (*number)(const KneeSample&)) {
  double sum = 0;
  for (int index = 0; index < 120; ++index) sum += number(sample_knee(config, knee(grade, index)));
  return sum / 120;
}

TEST(MovesFemur, WithoutItAlignmentAndShiftSayNothingOfTheGrade) {
  GenerateConfig moved, stays;
  stays.disease.moves_femur = false;
  const auto varus = [](const KneeSample& sample) { return std::abs(sample.geometry.hka_deg + 0.8); };
  const auto shift = [](const KneeSample& sample) { return sample.features.lateral_shift_mm; };
  EXPECT_GT(mean_of(moved, 4, varus), mean_of(moved, 0, varus) + 2);
  EXPECT_NEAR(mean_of(stays, 4, varus), mean_of(stays, 0, varus), 0.5);
  EXPECT_GT(mean_of(moved, 4, shift), mean_of(moved, 0, shift) + 1);
  EXPECT_NEAR(mean_of(stays, 4, shift), mean_of(stays, 0, shift), 0.3);
}

// Whatever is done to the joint space, the femur above its epicondyles stays, and the joint space is what was asked
// for.
TEST(MovesFemur, WithoutItOnlyTheCondylesFollow) {
  for (int index = 0; index < 10; ++index) {
    GenerateConfig wide, narrow;
    for (GenerateConfig* config : {&wide, &narrow}) config->disease.moves_femur = false;
    wide.dials.set("jsw_medial_mm", 5);
    narrow.dials.set("jsw_medial_mm", 1);
    const KneeSample a = sample_knee(wide, knee(2, index)), b = sample_knee(narrow, knee(2, index));
    EXPECT_NEAR(b.geometry.measured.jsw_medial_mm, 1, 0.02);
    EXPECT_EQ(a.frame.image_px_from_knee_mm.xx, b.frame.image_px_from_knee_mm.xx);
    ASSERT_EQ(a.geometry.femur_mm.size(), b.geometry.femur_mm.size());
    double above = 0, below = 0;
    for (std::size_t i = 0; i < a.geometry.femur_mm.size(); ++i) {
      const PointMm p = a.geometry.femur_mm[i], q = b.geometry.femur_mm[i];
      double& most = p.y > 36 ? above : below;
      most = std::max(most, std::hypot(p.x - q.x, p.y - q.y));
    }
    EXPECT_LT(above, 1e-9);
    EXPECT_GT(below, 2);
  }
}

}  // namespace
}  // namespace genu::generator
