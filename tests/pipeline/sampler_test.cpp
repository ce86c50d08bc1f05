#include "pipeline/loader/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "core/errors.h"

namespace genu::pipeline {
namespace {

// The grades of the real training set, a tenth of them: 228, 104, 151, 75, 17.
const std::array<std::size_t, kKlGradeCount> kCounts = {228, 104, 151, 75, 17};

std::vector<KlGrade> real_grades() {
  std::vector<KlGrade> grades;
  for (int g = 0; g < kKlGradeCount; ++g) grades.insert(grades.end(), kCounts[static_cast<std::size_t>(g)], KlGrade(g));
  return grades;
}

Sampler make(SamplingPolicy policy, std::uint64_t seed = 7, Order order = Order::kShuffled) {
  const auto grades = real_grades();
  std::vector<std::size_t> samples(grades.size());
  std::iota(samples.begin(), samples.end(), 1000);
  std::vector<Sampler::Label> labels;
  for (const KlGrade grade : grades) labels.push_back({grade, Source::kMendeley});
  return {samples, labels, {order, policy, {}, 0.999, seed}};
}

int grade_of(std::size_t sample) { return real_grades().at(sample - 1000).value(); }

TEST(Sampler, AsIsIsAnotherPermutationEachEpoch) {
  const Sampler sampler = make(SamplingPolicy::kAsIs);
  auto first = *sampler.epoch_order(0);
  const auto second = *sampler.epoch_order(1);
  EXPECT_NE(first, second);
  std::sort(first.begin(), first.end());
  for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], 1000 + i);
}

TEST(Sampler, IsAPureFunctionOfSeedAndEpoch) {
  const Sampler a = make(SamplingPolicy::kClassBalanced);
  const Sampler b = make(SamplingPolicy::kClassBalanced);
  for (const std::uint64_t epoch : {9ull, 0ull, 5ull, 9ull}) static_cast<void>(a.epoch_order(epoch));
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) EXPECT_EQ(*a.epoch_order(epoch), *b.epoch_order(epoch));
  EXPECT_NE(*a.epoch_order(0), *make(SamplingPolicy::kClassBalanced, 8).epoch_order(0));
}

TEST(Sampler, QuotasFollowThePolicy) {
  const double total = 575;
  const auto balanced = make(SamplingPolicy::kClassBalanced).quotas();
  for (const std::size_t quota : balanced) EXPECT_EQ(quota, 115u);
  const auto root = make(SamplingPolicy::kSquareRoot).quotas();
  const auto effective = make(SamplingPolicy::kEffectiveNumber).quotas();
  double roots = 0;
  double weights = 0;
  for (const std::size_t n : kCounts) {
    roots += std::sqrt(static_cast<double>(n));
    weights += static_cast<double>(n) / (1 - std::pow(0.999, static_cast<double>(n)));
  }
  for (std::size_t g = 0; g < kCounts.size(); ++g) {
    const auto n = static_cast<double>(kCounts[g]);
    EXPECT_NEAR(static_cast<double>(root[g]), total * std::sqrt(n) / roots, 1);
    EXPECT_NEAR(static_cast<double>(effective[g]), total * n / (1 - std::pow(0.999, n)) / weights, 1);
    EXPECT_EQ(make(SamplingPolicy::kAsIs).quotas()[g], kCounts[g]);
  }
}

TEST(Sampler, SamplesOfOneGradeAreShownEquallyOftenAcrossEpochs) {
  const Sampler sampler = make(SamplingPolicy::kClassBalanced);
  std::map<std::size_t, int> shown;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    for (const std::size_t sample : *sampler.epoch_order(epoch)) ++shown[sample];
  }
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    int low = 1 << 30;
    int high = 0;
    for (std::size_t sample = 1000; sample < 1575; ++sample) {
      if (grade_of(sample) != grade) continue;
      low = std::min(low, shown[sample]);
      high = std::max(high, shown[sample]);
    }
    EXPECT_LE(high - low, 1) << "grade " << grade;
  }
}

// The grade at a position must not depend on the position: chi-square of grades against fifths of the epoch, 50 epochs.
TEST(Sampler, GradesAreSpreadEvenlyOverTheEpoch) {
  const Sampler sampler = make(SamplingPolicy::kClassBalanced);
  std::array<std::array<double, 5>, 5> counts{};
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    const auto& order = *sampler.epoch_order(epoch);
    for (std::size_t i = 0; i < order.size(); ++i) {
      counts[i * 5 / order.size()][static_cast<std::size_t>(grade_of(order[i]))] += 1;
    }
  }
  double chi_square = 0;
  for (const auto& row : counts) {
    for (const double count : row) chi_square += std::pow(count - 1150, 2) / 1150;
  }
  EXPECT_LT(chi_square, 39.3);  // 16 degrees of freedom, false alarm 1 in 1,000; the seed is fixed
}

TEST(Sampler, StoredOrderKeepsTheOrderAndRefusesAPolicy) {
  const auto order = *make(SamplingPolicy::kAsIs, 7, Order::kStored).epoch_order(3);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_THROW(make(SamplingPolicy::kClassBalanced, 7, Order::kStored), UsageError);
}

TEST(Sampler, GradesThatDoNotOccurGetNothing) {
  const Sampler sampler({4, 5, 6}, {{KlGrade(0), Source::kOai}, {KlGrade(0), Source::kOai}, {KlGrade(3), Source::kOai}},
                        SamplerOptions{Order::kShuffled, SamplingPolicy::kClassBalanced, {}, 0.999, 0});
  EXPECT_EQ(sampler.quotas()[1], 0u);
  EXPECT_EQ(sampler.quotas()[0] + sampler.quotas()[3], 3u);
  EXPECT_EQ(sampler.epoch_order(0)->size(), 3u);
  EXPECT_THROW(Sampler({}, {}, {}), DataError);
}

// 575 real samples and 100 synthetic ones, 20 a grade; the policy holds within each source.
class Mixing : public ::testing::Test {
 protected:
  Mixing() {
    for (const KlGrade grade : real_grades()) labels.push_back({grade, Source::kMendeley});
    for (int i = 0; i < 100; ++i) labels.push_back({KlGrade(i % 5), Source::kSynthetic});
    for (std::size_t i = 0; i < labels.size(); ++i) samples.push_back(i);
  }
  Sampler make(const SourceMix& mix, SamplingPolicy policy) const {
    return {samples, labels, {Order::kShuffled, policy, mix, 0.999, 3}};
  }
  std::vector<Sampler::Label> labels;
  std::vector<std::size_t> samples;
};

TEST_F(Mixing, AnEpochHoldsTheSharesAndThePolicyWithinEachSource) {
  SourceMix mix;
  mix.synthetic = 1;
  mix.mendeley = 3;
  const Sampler sampler = make(mix, SamplingPolicy::kClassBalanced);
  std::map<Source, std::array<int, kKlGradeCount>> table;
  for (const std::size_t i : *sampler.epoch_order(4)) {
    ++table[labels[i].source][static_cast<std::size_t>(labels[i].kl.value())];
  }
  const double all = static_cast<double>(samples.size());
  for (const int count : table[Source::kSynthetic]) EXPECT_NEAR(count, all / 4 / 5, 1);
  for (const int count : table[Source::kMendeley]) EXPECT_NEAR(count, all * 3 / 4 / 5, 1);
}

TEST_F(Mixing, EverySampleOfAStratumIsShownEquallyOftenOverTheEpochs) {
  SourceMix mix;
  mix.synthetic = 1;
  mix.mendeley = 1;
  const Sampler sampler = make(mix, SamplingPolicy::kAsIs);
  std::vector<int> shown(samples.size());
  for (std::uint64_t epoch = 0; epoch < 9; ++epoch) {
    for (const std::size_t i : *sampler.epoch_order(epoch)) ++shown[i];
  }
  std::map<std::pair<Source, int>, std::set<int>> counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    counts[{labels[i].source, labels[i].kl.value()}].insert(shown[i]);
  }
  for (const auto& [stratum, often] : counts) EXPECT_LE(*often.rbegin() - *often.begin(), 1);
}

TEST_F(Mixing, IsAPureFunctionOfTheEpoch) {
  SourceMix mix;
  mix.synthetic = 2;
  mix.mendeley = 1;
  const Sampler walked = make(mix, SamplingPolicy::kSquareRoot);
  for (std::uint64_t epoch = 0; epoch < 6; ++epoch) static_cast<void>(walked.epoch_order(epoch));
  EXPECT_EQ(*walked.epoch_order(6), *make(mix, SamplingPolicy::kSquareRoot).epoch_order(6));
}

TEST_F(Mixing, ASourceWithShareZeroIsNotShownAndNoShareIsAnError) {
  SourceMix mix;
  mix.mendeley = 1;
  const Sampler sampler = make(mix, SamplingPolicy::kAsIs);
  for (const std::size_t i : *sampler.epoch_order(0)) EXPECT_EQ(labels[i].source, Source::kMendeley);
  SourceMix elsewhere;
  elsewhere.oai = 1;
  EXPECT_THROW(make(elsewhere, SamplingPolicy::kAsIs), DataError);
  EXPECT_THROW(Sampler(samples, labels, {Order::kStored, SamplingPolicy::kAsIs, mix, 0.999, 0}), UsageError);
}

}  // namespace
}  // namespace genu::pipeline
