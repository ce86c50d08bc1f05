#include <gtest/gtest.h>

#include "generator/pathology/knee_features.h"

namespace genu::generator {
namespace {

TEST(KlRule, FollowsTheDefinition) {
  KneeFeatures knee;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(0));
  knee.medial.jsn = 1;
  knee.medial.jsw_mm = 0.9 * knee.medial.normal_jsw_mm;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(0));
  knee.medial.jsw_mm = 0.8 * knee.medial.normal_jsw_mm;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(1));
  knee.at(OsteophyteSite::kFemurLateral).protrusion_mm = 0.99;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(1));
  knee.at(OsteophyteSite::kFemurLateral).protrusion_mm = 1.0;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(2));
  knee.lateral.jsn = 2;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(3));
  knee.medial.jsn = 3;
  EXPECT_EQ(derive_kl_grade(knee), KlGrade(4));
}

}  // namespace
}  // namespace genu::generator
