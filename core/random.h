// Keyed, counter-based random streams: every draw is a pure function of (seed, sample, stage, position).
//
// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The
// 64-bit key is the dataset seed; the 128-bit counter is (position, stage, sample). Streams with another seed,
// sample or stage never share a counter, so no thread, order or restart can change a draw. Distributions are our
// own: the standard library's differ between implementations.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace genu {

// One Philox4x32-10 block.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// Stage number of a stage's name (32-bit FNV-1a), so that a stage is addressed by what it does.
constexpr std::uint32_t stage_id(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// Address of a stream.
struct StreamKey {
  std::uint64_t seed = 0;
  std::uint64_t sample = 0;
  std::uint32_t stage = 0;
  bool operator==(const StreamKey&) const = default;
};

// Not thread-safe; make one per (sample, stage), it costs nothing.
class RandomStream {
 public:
  explicit RandomStream(const StreamKey& key) : key_(key) {}
  RandomStream(std::uint64_t seed, std::uint64_t sample, std::string_view stage)
      : RandomStream(StreamKey{seed, sample, stage_id(stage)}) {}

  std::uint32_t next_u32();
  std::uint64_t next_u64();

  // Uniform in [0, 1), 53 random bits.
  double uniform();
  double uniform(double low, double high);
  // Uniform integer in [0, bound), unbiased. Requires bound > 0.
  std::uint32_t integer(std::uint32_t bound);
  bool bernoulli(double probability);
  double normal();
  double normal(double mean, double sd);
  // Normal redrawn until it lies within mean +- limit_sd * sd. Requires limit_sd > 0.
  double truncated_normal(double mean, double sd, double limit_sd = 2.5);
  // exp(normal(log(median), sigma)).
  double log_normal(double median, double sigma);
  // Requires 0 <= mean < 50.
  int poisson(double mean);
  // Index drawn with the given non-negative weights, not all zero.
  std::size_t categorical(std::span<const double> weights);
  // Independent standard normals; consumes whole blocks, so its result does not depend on earlier draws' remainder.
  void fill_normal(std::span<float> out);

 private:
  StreamKey key_;
  std::uint32_t next_block_ = 0;
  std::uint32_t left_in_block_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

// Cumulative standard normal distribution and its inverse (|error| < 1e-9), for copulas.
double normal_cdf(double x);
// Requires 0 < p < 1.
double normal_quantile(double p);

}  // namespace genu
