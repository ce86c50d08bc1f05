#include "train/metrics/significance.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <cstdlib>
#include <numeric>

namespace genu::train {

namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

std::optional<Anova> one_way_anova(const std::vector<std::vector<double>>& groups) {
  if (groups.size() < 2) return std::nullopt;
  double count = 0, sum = 0;
  for (const auto& group : groups) {
    if (group.size() < 2) return std::nullopt;
    count += static_cast<double>(group.size());
    sum = std::accumulate(group.begin(), group.end(), sum);
  }
  // Asked of the values: a mean of equal ones may round to another, and leave a spread of rounding.
  const auto is_constant = [](const std::vector<double>& group) {
    return std::all_of(group.begin(), group.end(), [&](double value) { return value == group.front(); });
  };
  if (std::all_of(groups.begin(), groups.end(), is_constant)) return std::nullopt;
  double between = 0, within = 0;
  for (const auto& group : groups) {
    const double centre = mean(group);
    between += static_cast<double>(group.size()) * (centre - sum / count) * (centre - sum / count);
    for (const double value : group) within += (value - centre) * (value - centre);
  }
  if (!(within > 0)) return std::nullopt;  // squares of differences too small for a double
  Anova out{.between_degrees = static_cast<double>(groups.size()) - 1,
            .within_degrees = count - static_cast<double>(groups.size())};
  out.f = (between / out.between_degrees) / (within / out.within_degrees);
  const boost::math::fisher_f distribution(out.between_degrees, out.within_degrees);
  out.p = boost::math::cdf(boost::math::complement(distribution, out.f));
  return out;
}

McNemar mcnemar(const Discordant& counts) {
  McNemar out{.only_a_right = counts.only_a_right, .only_b_right = counts.only_b_right};
  const auto trials = static_cast<double>(counts.only_a_right + counts.only_b_right);
  if (!(trials > 0)) return out;
  const auto fewer = static_cast<double>(std::min(counts.only_a_right, counts.only_b_right));
  out.exact_p = std::min(1.0, 2 * boost::math::cdf(boost::math::binomial(trials, 0.5), fewer));
  const auto difference = static_cast<double>(std::abs(counts.only_a_right - counts.only_b_right));
  const double corrected = std::max(0.0, difference - 1);
  out.corrected_chi2 = corrected * corrected / trials;
  out.corrected_p = boost::math::cdf(boost::math::complement(boost::math::chi_squared(1), out.corrected_chi2));
  return out;
}

}  // namespace genu::train
