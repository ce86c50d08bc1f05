// Tests of significance between graders. Distributions are Boost.Math's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace genu::train {

// Do the groups have one mean? Fisher's one-way analysis of variance.
struct Anova {
  double f = 0;
  double between_degrees = 0;  // groups - 1
  double within_degrees = 0;   // observations - groups
  double p = 1;
};
// Each group is the scores of one recipe's repeated runs. Nothing where the test is not defined: fewer than two groups,
// a group of fewer than two observations, or no spread within any group.
std::optional<Anova> one_way_anova(const std::vector<std::vector<double>>& groups);

// Does one of two graders of the same samples err more often? McNemar, Psychometrika 12, 1947.
struct McNemar {
  std::int64_t only_a_right = 0;
  std::int64_t only_b_right = 0;
  double exact_p = 1;         // two-sided binomial test of the samples on which just one is right
  double corrected_chi2 = 0;  // (|difference| - 1)^2 / sum (Edwards, Psychometrika 13, 1948); 0 without difference
  double corrected_p = 1;     // chi-squared, one degree of freedom
};
struct Discordant {
  std::int64_t only_a_right = 0;  // >= 0
  std::int64_t only_b_right = 0;
};
McNemar mcnemar(const Discordant& counts);

}  // namespace genu::train
