#include "pipeline/source/names.h"

#include <gtest/gtest.h>

namespace genu::pipeline {
namespace {

TEST(GradeName, EverySpellingOfTheSetsCopies) {
  for (const auto& [name, grade] : std::initializer_list<std::pair<const char*, int>>{
           {"0", 0},          {"4", 4},       {"Grade3", 3},      {"grade 3", 3}, {"KL2", 2},       {"kl-grade_2", 2},
           {"G1", 1},         {"0Normal", 0}, {"1Doubtful", 1},   {"2Mild", 2},   {"3Moderate", 3}, {"4Severe", 4},
           {"normal", 0},     {"HEALTHY", 0}, {"Doubtful", 1},    {"Minimal", 2}, {"MODERATE", 3},  {"severe", 4},
           {"KL4_Severe", 4}, {"2.0", 2},     {"3 - moderate", 3}}) {
    ASSERT_TRUE(parse_grade_name(name).has_value()) << name;
    EXPECT_EQ(parse_grade_name(name)->value(), grade) << name;
  }
}

TEST(GradeName, WhatNamesNoGradeOrTwo) {
  for (const char* name : {"", "5", "-1", "10", "2Severe", "0Doubtful", "KL", "grade", "train", "2.5", "2.", ".", "01",
                           "severely", "normal0"}) {
    EXPECT_FALSE(parse_grade_name(name).has_value()) << name;
  }
}

TEST(KneeName, SubjectAndSideOfEveryCopy) {
  for (const auto& [stem, side] :
       std::initializer_list<std::pair<const char*, KneeSide>>{{"9001400L", KneeSide::kLeft},
                                                               {"9001400R", KneeSide::kRight},
                                                               {"9001400_1", KneeSide::kRight},
                                                               {"9001400_2", KneeSide::kLeft},
                                                               {"9001400R_png.rf.0a1b2c", KneeSide::kRight},
                                                               {"9001400L (1)", KneeSide::kLeft}}) {
    const auto name = parse_knee_name(stem);
    ASSERT_TRUE(name.has_value()) << stem;
    EXPECT_EQ(name->subject, "9001400") << stem;
    EXPECT_EQ(name->side, side) << stem;
  }
  for (const char* stem : {"900140L", "90014001L", "9001400", "9001400M", "9001400_3", "9001400Left", "9001400_",
                           "x9001400L", "90014001", "9001400_12"}) {
    EXPECT_FALSE(parse_knee_name(stem).has_value()) << stem;
  }
}

TEST(SplitName, UsualSpellings) {
  EXPECT_EQ(parse_split_name("Training"), Split::kTrain);
  EXPECT_EQ(parse_split_name("valid"), Split::kVal);
  EXPECT_EQ(parse_split_name("TEST"), Split::kTest);
  EXPECT_FALSE(parse_split_name("auto_test").has_value());
  EXPECT_FALSE(parse_split_name("sample").has_value());
  EXPECT_TRUE(is_auto_test_name("Auto-Test"));
  EXPECT_FALSE(is_auto_test_name("test"));
}

}  // namespace
}  // namespace genu::pipeline
