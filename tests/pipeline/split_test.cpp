#include "pipeline/split/make_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <set>

#include "core/errors.h"
#include "core/random.h"
#include "pipeline/split/near_duplicates.h"

namespace genu::pipeline {
namespace {

// 600 people, two knees each, grades as in the Mendeley set.
std::vector<SourceSample> people() {
  RandomStream random(5, 0, "test.split");
  const std::array<double, 5> shares = {0.40, 0.18, 0.26, 0.13, 0.03};
  std::vector<SourceSample> samples;
  for (int person = 0; person < 600; ++person) {
    for (const KneeSide side : {KneeSide::kLeft, KneeSide::kRight}) {
      SourceSample sample;
      sample.subject = std::to_string(9000000 + person);
      sample.id = sample.subject + std::string(to_string(side));
      sample.source = Source::kOai;
      sample.kl = KlGrade(static_cast<int>(random.categorical(shares)));
      samples.push_back(sample);
    }
  }
  return samples;
}

TEST(StratifiedParts, KeepSubjectsWholeSharesExactAndGradesAlike) {
  const auto samples = people();
  const std::vector<double> fractions = {0.70, 0.15, 0.15};
  const auto parts = stratified_parts(samples, {fractions, 1});
  std::map<std::string, std::set<std::size_t>> parts_of;
  std::array<double, 3> size{};
  std::array<std::array<double, 5>, 3> grades{};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    parts_of[samples[i].subject].insert(parts[i]);
    size[parts[i]] += 1;
    grades[parts[i]][static_cast<std::size_t>(samples[i].kl.value())] += 1;
  }
  for (const auto& [subject, in] : parts_of) EXPECT_EQ(in.size(), 1u) << subject;
  for (std::size_t p = 0; p < 3; ++p) {
    EXPECT_NEAR(size[p] / 1200, fractions[p], 0.01);
    for (std::size_t g = 0; g < 5; ++g) {
      const double share = (grades[0][g] + grades[1][g] + grades[2][g]) / 1200;
      EXPECT_NEAR(grades[p][g] / size[p], share, 0.05) << p << " " << g;
    }
  }
}

TEST(StratifiedParts, DependOnTheSeedAndNotOnTheOrder) {
  auto samples = people();
  const PartConfig config{{0.7, 0.15, 0.15}, 1};
  const auto parts = stratified_parts(samples, config);
  std::map<std::string, std::size_t> part_of;
  for (std::size_t i = 0; i < samples.size(); ++i) part_of[samples[i].id] = parts[i];
  std::reverse(samples.begin(), samples.end());
  const auto reversed = stratified_parts(samples, config);
  for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_EQ(reversed[i], part_of[samples[i].id]);
  EXPECT_NE(stratified_parts(samples, {config.fractions, 2}), reversed);
}

TEST(StratifiedParts, FoldsAreEqualAndBadSharesRefused) {
  const auto samples = people();
  const auto folds = stratified_parts(samples, {std::vector<double>(10, 0.1), 3});
  std::array<int, 10> size{};
  for (const std::size_t fold : folds) ++size.at(fold);
  for (const int count : size) EXPECT_NEAR(count, 120, 10);
  EXPECT_THROW(stratified_parts(samples, {{0.7, 0.7}, 0}), ConfigError);
  EXPECT_THROW(stratified_parts(samples, {{1.5, -0.5}, 0}), ConfigError);
  const auto none = stratified_parts(samples, {{0.5, 0.0, 0.5}, 0});
  EXPECT_EQ(std::count(none.begin(), none.end(), 1u), 0);
}

// Against every pair compared one by one.
TEST(ClosePairs, AreThoseOfDifferentSplitsThatEveryPairGives) {
  RandomStream random(9, 0, "test.pairs");
  std::vector<ImageFingerprint> prints(300);
  std::vector<Split> splits;
  for (std::size_t i = 0; i < prints.size(); ++i) {
    for (std::size_t w = 0; w < 4; ++w) {
      // Few bits are set, so that many pairs are close.
      prints[i].bits[w] = random.next_u64() & random.next_u64() & random.next_u64();
      prints[i].mirrored_bits[w] = random.next_u64() & random.next_u64() & random.next_u64();
    }
    splits.push_back(kAllSplits[random.integer(3)]);
  }
  const auto bits_apart = [](const FingerprintBits& a, const FingerprintBits& b) {
    int count = 0;
    for (std::size_t w = 0; w < 4; ++w) count += std::popcount(a[w] ^ b[w]);
    return count;
  };
  std::vector<IndexPair> wanted;
  for (std::size_t i = 0; i < prints.size(); ++i) {
    for (std::size_t k = i + 1; k < prints.size(); ++k) {
      if (splits[i] == splits[k]) continue;
      const auto& [a, b] = splits[i] < splits[k] ? std::pair{i, k} : std::pair{k, i};
      if (std::min(bits_apart(prints[a].bits, prints[b].bits), bits_apart(prints[a].bits, prints[b].mirrored_bits)) <=
          50) {
        wanted.emplace_back(i, k);
      }
    }
  }
  EXPECT_GT(wanted.size(), 100u);
  EXPECT_EQ(close_pairs(splits, prints, 50), wanted);
}

}  // namespace
}  // namespace genu::pipeline
