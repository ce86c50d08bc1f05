// Statistics of 100,000 sampled knees (20,000 a grade) against the tables of the specification. Fixed seed; each bound
// is at least 4 standard errors wide, so a false alarm at another seed has a probability below 1e-3 for the whole file.
#include "generator/pathology/disease.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/errors.h"

namespace genu::generator {
namespace {

constexpr int kKneesPerGrade = 20000;

struct Knee {
  KneeAnatomy anatomy;
  KneeFeatures features;
};

class SampledKnees : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    knees_ = new std::array<std::vector<Knee>, kKlGradeCount>;
    for (int grade = 0; grade < kKlGradeCount; ++grade) {
      for (int i = 0; i < kKneesPerGrade; ++i) {
        const auto number = static_cast<std::uint64_t>(grade * kKneesPerGrade + i);
        RandomStream anatomy(7, number, "anatomy"), disease(7, number, "disease");
        Knee knee;
        knee.anatomy = sample_anatomy({}, anatomy);
        knee.features = sample_features({}, knee.anatomy, KlGrade(grade), disease);
        (*knees_)[static_cast<std::size_t>(grade)].push_back(knee);
      }
    }
  }
  static void TearDownTestSuite() { delete knees_; }
  static const std::vector<Knee>& of(int grade) { return (*knees_)[static_cast<std::size_t>(grade)]; }

  static std::array<std::vector<Knee>, kKlGradeCount>* knees_;
};
std::array<std::vector<Knee>, kKlGradeCount>* SampledKnees::knees_ = nullptr;

TEST_F(SampledKnees, RuleDerivesTheWantedGrade) {
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (const Knee& knee : of(grade)) ASSERT_EQ(derive_kl_grade(knee.features), KlGrade(grade));
  }
}

TEST_F(SampledKnees, NarrowingFollowsTheHardRules) {
  const std::array<int, kKlGradeCount> worst = {1, 1, 1, 2, 3};
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (const Knee& knee : of(grade)) {
      const int most = std::max(knee.features.medial.jsn, knee.features.lateral.jsn);
      ASSERT_LE(most, worst[static_cast<std::size_t>(grade)]);
      if (grade < 3) continue;
      ASSERT_EQ(most, worst[static_cast<std::size_t>(grade)]);
    }
  }
}

// Spec 2.2: minimum of the affected compartment by grade and sex, within 0.3 mm.
TEST_F(SampledKnees, JointSpaceMeansFollowTheTable) {
  const std::array<double, kKlGradeCount> women = {4.6, 4.4, 4.3, 2.35, 0.4}, men = {5.4, 5.1, 5.0, 2.75, 0.45};
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    std::array<double, 2> sum{};
    std::array<int, 2> count{};
    for (const Knee& knee : of(grade)) {
      const bool medial = grade < 3 || knee.features.medial.jsn >= grade - 1;
      if (!medial) continue;
      const std::size_t sex = knee.anatomy.sex == Sex::kMale ? 1 : 0;
      sum[sex] += knee.features.medial.jsw_mm;
      ++count[sex];
    }
    EXPECT_NEAR(sum[0] / count[0], women[static_cast<std::size_t>(grade)], 0.3) << "women, KL " << grade;
    EXPECT_NEAR(sum[1] / count[1], men[static_cast<std::size_t>(grade)], 0.3) << "men, KL " << grade;
  }
}

TEST_F(SampledKnees, SomeKl4JointsAreBoneOnBone) {
  int bare = 0;
  for (const Knee& knee : of(4)) {
    bare += std::min(knee.features.medial.jsw_mm, knee.features.lateral.jsw_mm) == 0 ? 1 : 0;
  }
  EXPECT_NEAR(bare / static_cast<double>(kKneesPerGrade), 0.20, 0.04);
}

// Spec 3.2: shares of each OARSI grade at each site, after rejection, within 3.5 points (2 for most cells).
TEST_F(SampledKnees, OsteophyteSharesFollowTheTables) {
  const DiseaseConfig config;
  const std::array<const Table*, kOsteophyteSiteCount> tables = {&config.osteophyte_fm, &config.osteophyte_fl,
                                                                 &config.osteophyte_tm, &config.osteophyte_tl};
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (std::size_t site = 0; site < kOsteophyteSiteCount; ++site) {
      std::array<double, 4> share{};
      for (const Knee& knee : of(grade)) {
        share[static_cast<std::size_t>(knee.features.osteophytes[site].oarsi_grade)] += 1.0 / kKneesPerGrade;
      }
      for (std::size_t k = 0; k < 4; ++k) {
        EXPECT_NEAR(share[k], (*tables[site])[static_cast<std::size_t>(grade)][k], 0.035)
            << "KL " << grade << ", " << kOsteophyteSiteNames[site] << ", OARSI " << k;
      }
    }
  }
}

TEST_F(SampledKnees, OsteophytesOfOneKneeGoTogether) {
  double both = 0, first = 0, second = 0;
  for (const Knee& knee : of(3)) {
    const double a = knee.features.at(OsteophyteSite::kFemurMedial).oarsi_grade >= 2 ? 1 : 0;
    const double b = knee.features.at(OsteophyteSite::kTibiaMedial).oarsi_grade >= 2 ? 1 : 0;
    both += a * b / kKneesPerGrade;
    first += a / kKneesPerGrade;
    second += b / kKneesPerGrade;
  }
  const double correlation = (both - first * second) / std::sqrt(first * (1 - first) * second * (1 - second));
  EXPECT_GT(correlation, 0.2);
  EXPECT_LT(correlation, 0.6);
}

TEST_F(SampledKnees, ProtrusionGrowsWithItsGrade) {
  const std::array<double, 4> low = {0, 0.6, 2, 4}, high = {0.66, 2, 4, 9};
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (const Knee& knee : of(grade)) {
      for (const Osteophyte& osteophyte : knee.features.osteophytes) {
        const auto k = static_cast<std::size_t>(osteophyte.oarsi_grade);
        ASSERT_GE(osteophyte.protrusion_mm, low[k]);
        ASSERT_LE(osteophyte.protrusion_mm, high[k]);
      }
    }
  }
}

TEST_F(SampledKnees, LesionsRiseWithTheGrade) {
  const auto share = [](int grade, auto has) {
    double sum = 0;
    for (const Knee& knee : of(grade)) sum += has(knee.features) ? 1.0 / kKneesPerGrade : 0.0;
    return sum;
  };
  const auto sclerosis = [](const KneeFeatures& f) { return f.medial.sclerosis + f.lateral.sclerosis > 0; };
  const auto cyst = [](const KneeFeatures& f) { return !f.cysts.empty(); };
  const auto attrition = [](const KneeFeatures& f) { return f.attrition_grade > 0; };
  const DiseaseConfig config;
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    const auto k = static_cast<std::size_t>(grade);
    EXPECT_NEAR(share(grade, cyst), config.cyst[k], 0.03) << "KL " << grade;
    EXPECT_NEAR(share(grade, attrition), config.attrition[k], 0.05) << "KL " << grade;
    if (grade == 0) continue;
    EXPECT_GT(share(grade, sclerosis), share(grade - 1, sclerosis)) << "KL " << grade;
  }
}

TEST_F(SampledKnees, CompartmentSharesFollowTheTable) {
  for (const int grade : {3, 4}) {
    double lateral = 0;
    for (const Knee& knee : of(grade)) {
      lateral += knee.features.lateral.jsn > knee.features.medial.jsn ? 1.0 / kKneesPerGrade : 0.0;
    }
    // Lateral alone, plus 6 points in women (58 %).
    EXPECT_NEAR(lateral, (grade == 3 ? 0.20 : 0.27) + 0.58 * 0.06, 0.03) << "KL " << grade;
  }
}

TEST(Disease, UnreachableGradeIsAConfigError) {
  DiseaseConfig config;
  for (Table* table : {&config.osteophyte_fm, &config.osteophyte_fl, &config.osteophyte_tm, &config.osteophyte_tl}) {
    (*table)[2] = {1, 0, 0, 0};
  }
  RandomStream stream(1, 2, "disease");
  EXPECT_THROW(sample_features(config, KneeAnatomy{}, KlGrade(2), stream), ConfigError);
}

TEST(Reader, FollowsItsConfusionRows) {
  const std::array<double, kKlGradeCount> correct = {.90, .66, .82, .89, .94};
  const int draws = 20000;
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    int alike = 0;
    for (int i = 0; i < draws; ++i) {
      RandomStream stream(3, static_cast<std::uint64_t>(i), "reading");
      alike += simulate_reading(KlGrade(grade), ReaderLevel::kAdjudicated, stream) == KlGrade(grade) ? 1 : 0;
    }
    EXPECT_NEAR(alike / static_cast<double>(draws), correct[static_cast<std::size_t>(grade)], 0.015);
  }
}

// Spec 4.2: with the prevalence of the OAI's crops one experienced reader agrees with the truth in 0.71 of knees, at a
// quadratic weighted kappa of 0.86; a committee reading 0.83 and 0.93.
TEST(Reader, AgreesAsPublished) {
  const std::array<double, kKlGradeCount> prevalence = {.394, .181, .263, .131, .031};
  const auto agreement = [&](ReaderLevel level) {
    const int draws = 60000;
    double alike = 0, squared = 0;
    std::array<double, kKlGradeCount> true_share{}, read_share{};
    for (int i = 0; i < draws; ++i) {
      RandomStream stream(11, static_cast<std::uint64_t>(i), "reading");
      const auto truth = static_cast<int>(stream.categorical(prevalence));
      const int read = simulate_reading(KlGrade(truth), level, stream).value();
      alike += truth == read ? 1.0 / draws : 0.0;
      squared += (truth - read) * (truth - read) / static_cast<double>(draws);
      true_share[static_cast<std::size_t>(truth)] += 1.0 / draws;
      read_share[static_cast<std::size_t>(read)] += 1.0 / draws;
    }
    double chance = 0;
    for (int a = 0; a < kKlGradeCount; ++a) {
      for (int b = 0; b < kKlGradeCount; ++b) {
        chance += (a - b) * (a - b) * true_share[static_cast<std::size_t>(a)] * read_share[static_cast<std::size_t>(b)];
      }
    }
    return std::pair{alike, 1 - squared / chance};
  };
  const auto [experienced, experienced_kappa] = agreement(ReaderLevel::kExperienced);
  EXPECT_NEAR(experienced, 0.71, 0.01);
  EXPECT_NEAR(experienced_kappa, 0.86, 0.01);
  const auto [committee, committee_kappa] = agreement(ReaderLevel::kAdjudicated);
  EXPECT_NEAR(committee, 0.835, 0.01);
  EXPECT_NEAR(committee_kappa, 0.93, 0.01);
}

}  // namespace
}  // namespace genu::generator
