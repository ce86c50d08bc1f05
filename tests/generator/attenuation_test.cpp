#include "generator/detector/attenuation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors.h"

namespace genu::generator {
namespace {

TEST(Attenuation, OpenBeamPasses) {
  for (const int kvp : {55, 70, 80}) EXPECT_NEAR(AttenuationModel(kvp).transmission(0, 0, 0), 1.0f, 1e-6f);
  EXPECT_NEAR(integrated_attenuation(70, {}), 0, 1e-12);
  EXPECT_THROW(AttenuationModel(54), InternalError);
  EXPECT_THROW(AttenuationModel(81), InternalError);
}

// The effective lines against integration over the spectrum, over the whole range a knee can take, thin paths included.
TEST(Attenuation, EffectiveLinesFollowTheIntegral) {
  for (int kvp = kLeastTubeVoltageKvp; kvp <= kMostTubeVoltageKvp; kvp += 5) {
    const AttenuationModel model(kvp);
    double worst = 0;
    for (const double bone : {0.0, 0.3, 1.0, 3.0, 7.5, 15.0, 22.5, 30.0, 37.5, 45.0, 52.5, 60.0}) {
      for (const double soft : {0.0, 2.0, 5.0, 18.0, 31.0, 57.0, 83.0, 109.0, 135.0, 161.0, 187.0, 200.0}) {
        for (const double fat : {0.0, 2.0, 20.0, 40.0, 60.0, 80.0, 100.0}) {
          if (!(bone + soft + fat > 0)) continue;
          const double truth = integrated_attenuation(kvp, {bone, soft, fat});
          const float passed =
              model.transmission(static_cast<float>(bone), static_cast<float>(soft), static_cast<float>(fat));
          worst = std::max(worst, std::abs(-std::log(static_cast<double>(passed)) / truth - 1));
        }
      }
    }
    EXPECT_LT(worst, 2e-4) << kvp << " kVp";
  }
}

// Metal and whole bodies in the beam: darker and darker, never negative or not a number.
TEST(Attenuation, GoesOnBeyondTheFittedRange) {
  const AttenuationModel model(69);
  float before = model.transmission(60, 200, 100);
  for (float bone = 70; bone < 400; bone += 10) {
    const float passed = model.transmission(bone, 200, 100);
    ASSERT_LE(passed, before);
    ASSERT_GT(passed, 0);
    before = passed;
  }
}

// Thin slabs obey Beer-Lambert: attenuation is proportional to thickness and adds up over materials.
TEST(Attenuation, ThinSlabsAddUp) {
  const double one = integrated_attenuation(70, {0.001, 0, 0});
  EXPECT_NEAR(integrated_attenuation(70, {0.002, 0, 0}) / one, 2, 1e-3);
  const double sum = one + integrated_attenuation(70, {0, 0.001, 0}) + integrated_attenuation(70, {0, 0, 0.001});
  EXPECT_NEAR(integrated_attenuation(70, {0.001, 0.001, 0.001}) / sum, 1, 1e-3);
}

TEST(Attenuation, BeamHardens) {
  // Each further slab attenuates less than the one before.
  const double first = integrated_attenuation(70, {10, 0, 0});
  const double second = integrated_attenuation(70, {20, 0, 0}) - first;
  EXPECT_LT(second, 0.95 * first);
}

// Table of spec 5.2: effective coefficients (1/cm) of a thin increment behind a knee, +-5 % by its own account.
TEST(Attenuation, EffectiveCoefficientsMatchTheTable) {
  const auto increment = [](double kvp, const MaterialPath& extra) {
    const MaterialPath knee{8, 90, 25};
    const MaterialPath more{knee.bone_mm + extra.bone_mm, knee.soft_mm + extra.soft_mm, knee.fat_mm + extra.fat_mm};
    return 10 * (integrated_attenuation(kvp, more) - integrated_attenuation(kvp, knee));
  };
  EXPECT_NEAR(increment(70, {1, 0, 0}), 0.954, 0.07 * 0.954);
  EXPECT_NEAR(increment(70, {0, 1, 0}), 0.251, 0.06 * 0.251);
  EXPECT_NEAR(increment(70, {0, 0, 1}), 0.209, 0.06 * 0.209);
  EXPECT_NEAR(increment(60, {1, 0, 0}), 1.12, 0.07 * 1.12);
}

}  // namespace
}  // namespace genu::generator
