#include "pipeline/loader/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/errors.h"
#include "core/random.h"

namespace genu::pipeline {

namespace {

using Weights = std::array<double, kKlGradeCount>;

// 0 .. count-1 in an order that depends on the stream alone: sorted by random keys.
std::vector<std::size_t> keyed_permutation(std::size_t count, RandomStream random) {
  std::vector<std::pair<std::uint64_t, std::size_t>> keys(count);
  for (std::size_t i = 0; i < count; ++i) keys[i] = {random.next_u64(), i};
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> order(count);
  std::transform(keys.begin(), keys.end(), order.begin(), [](const auto& key) { return key.second; });
  return order;
}

double class_weight(SamplingPolicy policy, double count, double beta) {
  if (count == 0) return 0;
  switch (policy) {
    case SamplingPolicy::kAsIs:
      return count;
    case SamplingPolicy::kClassBalanced:
      return 1;
    case SamplingPolicy::kSquareRoot:
      return std::sqrt(count);
    case SamplingPolicy::kEffectiveNumber:
      return count * (1 - beta) / (1 - std::pow(beta, count));
  }
  throw InternalError("unknown sampling policy");
}

// Splits `total` in proportion to the weights: rounded down, then one more for the largest remainders.
std::array<std::size_t, kKlGradeCount> largest_remainder(const Weights& weights, std::size_t total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::array<std::size_t, kKlGradeCount> quotas{};
  std::vector<std::pair<double, std::size_t>> remainders;
  std::size_t given = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    const double exact = static_cast<double>(total) * weights[c] / sum;
    quotas[c] = static_cast<std::size_t>(exact);
    given += quotas[c];
    if (weights[c] > 0) remainders.emplace_back(static_cast<double>(quotas[c]) - exact, c);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; given < total; ++i, ++given) ++quotas[remainders[i % remainders.size()].second];
  return quotas;
}

}  // namespace

Sampler::Sampler(std::vector<std::size_t> samples, std::vector<KlGrade> grades, SamplerOptions options)
    : samples_(std::move(samples)), options_(options) {
  if (samples_.empty()) throw DataError("no samples to load; check split and source");
  if (grades.size() != samples_.size()) throw InternalError("Sampler: one grade a sample is needed");
  if (options_.order == Order::kStored && options_.policy != SamplingPolicy::kAsIs) {
    throw UsageError("the stored order shows every sample once; use sampling: as_is or order: shuffled");
  }
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    by_grade_.at(static_cast<std::size_t>(grades[i].value())).push_back(samples_[i]);
  }
  Weights weights{};
  for (std::size_t c = 0; c < weights.size(); ++c) {
    weights[c] =
        class_weight(options_.policy, static_cast<double>(by_grade_[c].size()), options_.effective_number_beta);
  }
  quotas_ = largest_remainder(weights, samples_.size());
}

std::shared_ptr<const std::vector<std::size_t>> Sampler::epoch_order(std::uint64_t epoch) const {
  constexpr std::size_t kCachedEpochs = 3;
  const std::lock_guard lock(mutex_);
  for (const Cached& cached : cache_) {
    if (cached.epoch == epoch) return cached.order;
  }
  if (cache_.size() == kCachedEpochs) cache_.erase(cache_.begin());
  cache_.push_back({epoch, std::make_shared<const std::vector<std::size_t>>(make_order(epoch))});
  return cache_.back().order;
}

std::vector<std::size_t> Sampler::make_order(std::uint64_t epoch) const {
  if (options_.order == Order::kStored) return samples_;
  std::vector<std::size_t> drawn;
  drawn.reserve(samples_.size());
  // 1. Each grade's share: the next stretch of an endless row of permutations of its samples.
  for (std::size_t c = 0; c < by_grade_.size(); ++c) {
    const std::vector<std::size_t>& members = by_grade_[c];
    std::vector<std::size_t> permutation;
    std::uint64_t permutation_cycle = 0;
    for (std::size_t k = 0; k < quotas_[c]; ++k) {
      const std::uint64_t place = epoch * quotas_[c] + k;
      const std::uint64_t cycle = place / members.size();
      if (permutation.empty() || cycle != permutation_cycle) {
        permutation =
            keyed_permutation(members.size(), RandomStream(options_.seed, cycle * kKlGradeCount + c, "sampler.grade"));
        permutation_cycle = cycle;
      }
      drawn.push_back(members[permutation[place % members.size()]]);
    }
  }
  // 2. Shuffle the grades together.
  const auto shuffle = keyed_permutation(drawn.size(), RandomStream(options_.seed, epoch, "sampler.epoch"));
  std::vector<std::size_t> order(drawn.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = drawn[shuffle[i]];
  return order;
}

}  // namespace genu::pipeline
