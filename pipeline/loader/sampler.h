// Which sample stands at which position of an epoch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/kl_grade.h"

namespace genu::pipeline {

enum class Order : std::uint8_t {
  kShuffled,  // a keyed permutation, another each epoch
  kStored,    // as given; for evaluation. Requires SamplingPolicy::kAsIs
};

// How often each grade is shown in an epoch of as many positions as there are samples; n_c = samples of grade c.
enum class SamplingPolicy : std::uint8_t {
  kAsIs,             // n_c: every sample once
  kClassBalanced,    // the same for every grade that occurs
  kSquareRoot,       // sqrt(n_c): half-way
  kEffectiveNumber,  // n_c / E_c, E_c = (1 - beta^n_c) / (1 - beta) (Cui et al., CVPR 2019)
};

struct SamplerOptions {
  Order order = Order::kShuffled;
  SamplingPolicy policy = SamplingPolicy::kAsIs;
  double effective_number_beta = 0.999;
  std::uint64_t seed = 0;
};

// Each grade has a fixed number of positions an epoch (largest remainder), filled by walking keyed permutations of its
// samples that go on from epoch to epoch: the samples of one grade are shown equally often, give or take one.
// Safe to call from any number of threads.
class Sampler {
 public:
  // grades[i] belongs to samples[i]. Throws DataError if there are no samples, UsageError on kStored with a policy.
  Sampler(std::vector<std::size_t> samples, std::vector<KlGrade> grades, SamplerOptions options);

  std::size_t size() const { return samples_.size(); }
  // Positions of each grade in an epoch.
  const std::array<std::size_t, kKlGradeCount>& quotas() const { return quotas_; }
  // The samples of an epoch in order. Pure function of (options, epoch); the last few epochs are cached.
  std::shared_ptr<const std::vector<std::size_t>> epoch_order(std::uint64_t epoch) const;

 private:
  std::vector<std::size_t> make_order(std::uint64_t epoch) const;

  std::vector<std::size_t> samples_;
  std::array<std::vector<std::size_t>, kKlGradeCount> by_grade_;
  std::array<std::size_t, kKlGradeCount> quotas_{};
  SamplerOptions options_;

  struct Cached {
    std::uint64_t epoch = 0;
    std::shared_ptr<const std::vector<std::size_t>> order;
  };
  mutable std::mutex mutex_;
  mutable std::vector<Cached> cache_;
};

}  // namespace genu::pipeline
