#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace genu {
namespace {

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(Philox, MatchesPublishedVectors) {
  using Block = std::array<std::uint32_t, 4>;
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, IsAFunctionOfItsKey) {
  RandomStream a(7, 42, "anatomy");
  RandomStream b(7, 42, "anatomy");
  std::vector<double> first, second;
  for (int i = 0; i < 100; ++i) first.push_back(a.normal());
  for (int i = 0; i < 100; ++i) second.push_back(b.normal());
  EXPECT_EQ(first, second);
}

TEST(RandomStream, DiffersWithEachPartOfItsKey) {
  const std::uint64_t base = RandomStream(7, 42, "anatomy").next_u64();
  EXPECT_NE(base, RandomStream(8, 42, "anatomy").next_u64());
  EXPECT_NE(base, RandomStream(7 + (std::uint64_t{1} << 32), 42, "anatomy").next_u64());
  EXPECT_NE(base, RandomStream(7, 43, "anatomy").next_u64());
  EXPECT_NE(base, RandomStream(7, 42 + (std::uint64_t{1} << 32), "anatomy").next_u64());
  EXPECT_NE(base, RandomStream(7, 42, "texture").next_u64());
}

// Kolmogorov-Smirnov distance against the stated distribution; 1.95/sqrt(n) is passed by chance with p < 0.001.
double ks_distance(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  double worst = 0;
  const auto n = static_cast<double>(sample.size());
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double f = cdf(sample[i]);
    worst = std::max({worst, std::abs(f - static_cast<double>(i) / n), std::abs(f - static_cast<double>(i + 1) / n)});
  }
  return worst;
}

TEST(RandomStream, UniformAndNormalFollowTheirDistributions) {
  constexpr int kCount = 20000;
  const double limit = 1.95 / std::sqrt(kCount);
  RandomStream stream(1, 2, "test");
  std::vector<double> uniform, normal, log_normal;
  for (int i = 0; i < kCount; ++i) {
    uniform.push_back(stream.uniform());
    normal.push_back(stream.normal());
    log_normal.push_back(stream.log_normal(4.5, 0.4));
  }
  EXPECT_LT(ks_distance(uniform, [](double x) { return x; }), limit);
  EXPECT_LT(ks_distance(normal, normal_cdf), limit);
  EXPECT_LT(ks_distance(log_normal, [](double x) { return normal_cdf(std::log(x / 4.5) / 0.4); }), limit);
}

TEST(RandomStream, BulkNormalsFollowTheNormalDistribution) {
  std::vector<float> values(20001);
  RandomStream stream(3, 4, "noise");
  stream.fill_normal(values);
  EXPECT_LT(ks_distance({values.begin(), values.end()}, normal_cdf), 1.95 / std::sqrt(20001.0));
}

TEST(RandomStream, TruncatedNormalStaysInside) {
  RandomStream stream(1, 1, "truncated");
  double widest = 0;
  for (int i = 0; i < 20000; ++i) widest = std::max(widest, std::abs(stream.truncated_normal(10, 2, 2.5) - 10));
  EXPECT_LE(widest, 5.0);
  EXPECT_GT(widest, 4.8);
}

TEST(RandomStream, DiscreteDrawsPassChiSquare) {
  constexpr int kCount = 60000;
  RandomStream stream(5, 6, "discrete");
  const std::vector<double> weights = {1, 0, 3, 6};
  std::vector<int> counts(4), dice(6), events(6);
  for (int i = 0; i < kCount; ++i) {
    ++counts[stream.categorical(weights)];
    ++dice[stream.integer(6)];
    ++events[std::min<std::size_t>(5, static_cast<std::size_t>(stream.poisson(0.6)))];
  }
  EXPECT_EQ(counts[1], 0);
  const auto chi_square = [&](const std::vector<int>& observed, const std::vector<double>& probability) {
    double sum = 0;
    for (std::size_t i = 0; i < observed.size(); ++i) {
      if (probability[i] > 0) sum += std::pow(observed[i] - kCount * probability[i], 2) / (kCount * probability[i]);
    }
    return sum;
  };
  EXPECT_LT(chi_square(counts, {0.1, 0, 0.3, 0.6}), 13.8);             // 2 df, p = 0.001
  EXPECT_LT(chi_square(dice, std::vector<double>(6, 1.0 / 6)), 20.5);  // 5 df
  std::vector<double> poisson;
  double term = std::exp(-0.6), rest = 1;
  for (int k = 0; k < 5; ++k) {
    poisson.push_back(term);
    rest -= term;
    term *= 0.6 / (k + 1);
  }
  poisson.push_back(rest);
  EXPECT_LT(chi_square(events, poisson), 20.5);
}

TEST(NormalQuantile, InvertsTheDistribution) {
  for (const double p : {1e-9, 0.001, 0.02425, 0.3, 0.5, 0.77, 0.999, 1 - 1e-9}) {
    EXPECT_NEAR(normal_cdf(normal_quantile(p)), p, 1e-12) << p;
  }
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-9);
}

}  // namespace
}  // namespace genu
