#include "core/kl_grade.h"

#include <gtest/gtest.h>

#include "core/errors.h"

namespace genu {
namespace {

TEST(KlGrade, HoldsZeroToFourOnly) {
  for (int value = 0; value < kKlGradeCount; ++value) {
    EXPECT_EQ(KlGrade(value).value(), value);
    EXPECT_EQ(parse_kl_grade(std::to_string(value)), KlGrade(value));
  }
  EXPECT_THROW(KlGrade(-1), DataError);
  EXPECT_THROW(KlGrade(5), DataError);
  for (const char* text : {"", "5", "00", "x", " 1"}) EXPECT_FALSE(parse_kl_grade(text)) << text;
  EXPECT_EQ(KlGrade(3).name(), "moderate");
}

TEST(KneeSide, ParsesTheUsualSpellings) {
  EXPECT_EQ(parse_knee_side("L"), KneeSide::kLeft);
  EXPECT_EQ(parse_knee_side("Right"), KneeSide::kRight);
  EXPECT_FALSE(parse_knee_side("M"));
  EXPECT_EQ(to_string(KneeSide::kRight), "R");
}

}  // namespace
}  // namespace genu
