#include "generator/detector/attenuation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace genu::generator {
namespace {

TEST(Attenuation, OpenBeamIsZero) {
  const AttenuationModel model(70);
  EXPECT_NEAR(model(0, 0, 0), 0.0f, 1e-6f);
  EXPECT_NEAR(integrated_attenuation(70, {}), 0, 1e-12);
}

// The look-up against integration over the spectrum, over the whole range a knee can take.
TEST(Attenuation, TableFollowsTheIntegral) {
  for (const double kvp : {55.0, 62.0, 70.0, 80.0}) {
    const AttenuationModel model(kvp);
    double worst = 0;
    for (double bone = 0; bone <= 60; bone += 7.5) {
      for (double soft = 5; soft <= 200; soft += 13) {
        for (double fat = 0; fat <= 100; fat += 20) {
          const double truth = integrated_attenuation(kvp, {bone, soft, fat});
          const double fitted = model(static_cast<float>(bone), static_cast<float>(soft), static_cast<float>(fat));
          worst = std::max(worst, std::abs(fitted / truth - 1));
        }
      }
    }
    EXPECT_LT(worst, 3e-3) << kvp << " kVp";
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
