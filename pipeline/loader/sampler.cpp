#include "pipeline/loader/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/random.h"

namespace genu::pipeline {

namespace {

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
std::vector<std::size_t> largest_remainder(const std::vector<double>& weights, std::size_t total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::size_t> quotas(weights.size());
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

std::size_t grade_of(const Sampler::Label& label) { return static_cast<std::size_t>(label.kl.value()); }

}  // namespace

void SourceMix::list_fields(FieldList& fields) {
  fields.add("synthetic", synthetic, Range{0.0, 1e6}, "share of synthetic samples in an epoch");
  fields.add("mendeley", mendeley, Range{0.0, 1e6}, "share of Mendeley samples");
  fields.add("oai", oai, Range{0.0, 1e6}, "share of OAI samples");
  fields.add("other", other, Range{0.0, 1e6}, "share of samples of any other source");
}

double SourceMix::of(Source source) const {
  switch (source) {
    case Source::kSynthetic:
      return synthetic;
    case Source::kMendeley:
      return mendeley;
    case Source::kOai:
      return oai;
    case Source::kOther:
      return other;
  }
  throw InternalError("unknown source");
}

Sampler::Sampler(std::vector<std::size_t> samples, const std::vector<Label>& labels, SamplerOptions options)
    : samples_(std::move(samples)), options_(options) {
  if (samples_.empty()) throw DataError("no samples to load; check split and source");
  if (labels.size() != samples_.size()) throw InternalError("Sampler: one label a sample is needed");
  if (options_.order == Order::kStored && (options_.policy != SamplingPolicy::kAsIs || options_.mix.is_set())) {
    throw UsageError("the stored order shows every sample once; use sampling: as_is without a mix, or order: shuffled");
  }
  strata_ = strata_of(labels);
  const auto quotas = largest_remainder(weights(labels), samples_.size());
  for (std::size_t i = 0; i < strata_.size(); ++i) strata_[i].quota = quotas[i];
}

// One a grade; with a mix one a source and grade.
std::vector<Sampler::Stratum> Sampler::strata_of(const std::vector<Label>& labels) const {
  const std::size_t sources = options_.mix.is_set() ? kAllSources.size() : 1;
  std::vector<Stratum> strata(sources * kKlGradeCount);
  for (std::size_t i = 0; i < strata.size(); ++i) strata[i].key = i, strata[i].grade = i % kKlGradeCount;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const std::size_t source = sources == 1 ? 0 : static_cast<std::size_t>(labels[i].source);
    strata.at(source * kKlGradeCount + grade_of(labels[i])).members.push_back(samples_[i]);
  }
  return strata;
}

// The policy's weights within each source, scaled to the source's share.
std::vector<double> Sampler::weights(const std::vector<Label>& labels) const {
  std::vector<double> weights;
  for (const Stratum& stratum : strata_) {
    weights.push_back(
        class_weight(options_.policy, static_cast<double>(stratum.members.size()), options_.effective_number_beta));
  }
  if (!options_.mix.is_set()) return weights;
  double shares = 0;
  for (std::size_t first = 0; first < weights.size(); first += kKlGradeCount) {
    const auto begin = weights.begin() + static_cast<std::ptrdiff_t>(first);
    const double sum = std::accumulate(begin, begin + kKlGradeCount, 0.0);
    const double share = sum > 0 ? options_.mix.of(static_cast<Source>(first / kKlGradeCount)) : 0;
    for (auto weight = begin; weight != begin + kKlGradeCount; ++weight) *weight *= share > 0 ? share / sum : 0;
    shares += share;
  }
  if (!(shares > 0)) {
    throw DataError("the mix gives every source that the " + std::to_string(labels.size()) +
                    " samples come from a share of 0; change the mix or the shards");
  }
  return weights;
}

std::array<std::size_t, kKlGradeCount> Sampler::quotas() const {
  std::array<std::size_t, kKlGradeCount> quotas{};
  for (const Stratum& stratum : strata_) quotas.at(stratum.grade) += stratum.quota;
  return quotas;
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
  // 1. Each stratum's share: the next stretch of an endless row of permutations of its samples.
  for (const Stratum& stratum : strata_) {
    std::vector<std::size_t> permutation;
    std::uint64_t permutation_cycle = 0;
    for (std::size_t k = 0; k < stratum.quota; ++k) {
      const std::uint64_t place = epoch * stratum.quota + k;
      const std::uint64_t cycle = place / stratum.members.size();
      if (permutation.empty() || cycle != permutation_cycle) {
        permutation = keyed_permutation(
            stratum.members.size(), RandomStream(options_.seed, cycle * strata_.size() + stratum.key, "sampler.grade"));
        permutation_cycle = cycle;
      }
      drawn.push_back(stratum.members[permutation[place % stratum.members.size()]]);
    }
  }
  // 2. Shuffle the grades together.
  const auto shuffle = keyed_permutation(drawn.size(), RandomStream(options_.seed, epoch, "sampler.epoch"));
  std::vector<std::size_t> order(drawn.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = drawn[shuffle[i]];
  return order;
}

}  // namespace genu::pipeline
