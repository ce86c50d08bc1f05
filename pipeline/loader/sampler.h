// Which sample stands at which position of an epoch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"
#include "pipeline/loader/sample_record.h"

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

// Share of each source in an epoch, in any unit. All zero: as the samples come.
struct SourceMix {
  double synthetic = 0;
  double mendeley = 0;
  double oai = 0;
  double other = 0;
  void list_fields(FieldList& fields);
  bool operator==(const SourceMix&) const = default;
  bool is_set() const { return *this != SourceMix{}; }
  double of(Source source) const;
};

struct SamplerOptions {
  Order order = Order::kShuffled;
  SamplingPolicy policy = SamplingPolicy::kAsIs;
  SourceMix mix;  // the policy then holds within each source
  double effective_number_beta = 0.999;
  std::uint64_t seed = 0;
};

// Each grade (each source and grade, where a mix is set) has a fixed number of positions an epoch (largest remainder),
// filled by walking keyed permutations of its samples that go on from epoch to epoch: its samples are shown equally
// often, give or take one. A run that is resumed needs the epoch and nothing else.
// Safe to call from any number of threads.
class Sampler {
 public:
  struct Label {
    KlGrade kl;
    Source source = Source::kSynthetic;
  };
  // labels[i] belongs to samples[i]. Throws DataError if there are no samples or if the mix names no source that they
  // have, UsageError on kStored with a policy or a mix.
  Sampler(std::vector<std::size_t> samples, const std::vector<Label>& labels, SamplerOptions options);

  std::size_t size() const { return samples_.size(); }
  // Positions of each grade in an epoch.
  std::array<std::size_t, kKlGradeCount> quotas() const;
  // The samples of an epoch in order. Pure function of (options, epoch); the last few epochs are cached.
  std::shared_ptr<const std::vector<std::size_t>> epoch_order(std::uint64_t epoch) const;

 private:
  struct Stratum {
    std::uint64_t key = 0;  // of its random stream
    std::size_t grade = 0;
    std::vector<std::size_t> members;
    std::size_t quota = 0;  // positions an epoch
  };
  std::vector<Stratum> strata_of(const std::vector<Label>& labels) const;
  std::vector<double> weights(const std::vector<Label>& labels) const;
  std::vector<std::size_t> make_order(std::uint64_t epoch) const;

  std::vector<std::size_t> samples_;
  std::vector<Stratum> strata_;
  SamplerOptions options_;

  struct Cached {
    std::uint64_t epoch = 0;
    std::shared_ptr<const std::vector<std::size_t>> order;
  };
  mutable std::mutex mutex_;
  mutable std::vector<Cached> cache_;
};

}  // namespace genu::pipeline
