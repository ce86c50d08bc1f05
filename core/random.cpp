#include "core/random.h"

#include <cmath>
#include <numbers>

#include "core/errors.h"

namespace genu {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53u;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57u;
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9u;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

namespace {

std::array<std::uint32_t, 4> block_at(const StreamKey& key, std::uint32_t block) {
  return philox4x32(
      {block, key.stage, static_cast<std::uint32_t>(key.sample), static_cast<std::uint32_t>(key.sample >> 32)},
      {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
}

}  // namespace

std::uint32_t RandomStream::next_u32() {
  if (left_in_block_ == 0) {
    block_ = block_at(key_, next_block_++);
    left_in_block_ = 4;
  }
  return block_[4 - left_in_block_--];
}

std::uint64_t RandomStream::next_u64() {
  const std::uint64_t high = next_u32();
  return (high << 32) | next_u32();
}

double RandomStream::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }

double RandomStream::uniform(double low, double high) { return low + (high - low) * uniform(); }

std::uint32_t RandomStream::integer(std::uint32_t bound) {
  if (bound == 0) throw InternalError("RandomStream::integer needs a bound above 0");
  // Lemire's multiply-and-reject.
  const std::uint32_t threshold = (0u - bound) % bound;
  while (true) {
    const std::uint64_t product = static_cast<std::uint64_t>(next_u32()) * bound;
    if (static_cast<std::uint32_t>(product) >= threshold) return static_cast<std::uint32_t>(product >> 32);
  }
}

bool RandomStream::bernoulli(double probability) { return uniform() < probability; }

double RandomStream::normal() {
  // Box-Muller; 1 - u is in (0, 1], so the logarithm is finite.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double RandomStream::normal(double mean, double sd) { return mean + sd * normal(); }

double RandomStream::truncated_normal(double mean, double sd, double limit_sd) {
  if (!(limit_sd > 0)) throw InternalError("RandomStream::truncated_normal needs limit_sd > 0");
  while (true) {
    const double z = normal();
    if (std::abs(z) <= limit_sd) return mean + sd * z;
  }
}

double RandomStream::log_normal(double median, double sigma) { return median * std::exp(sigma * normal()); }

int RandomStream::poisson(double mean) {
  if (!(mean >= 0 && mean < 50)) throw InternalError("RandomStream::poisson needs a mean in [0, 50)");
  const double limit = std::exp(-mean);
  int count = 0;
  for (double product = uniform(); product > limit; product *= uniform()) ++count;
  return count;
}

std::size_t RandomStream::categorical(std::span<const double> weights) {
  double total = 0;
  for (const double w : weights) {
    if (!(w >= 0)) throw InternalError("RandomStream::categorical needs weights >= 0");
    total += w;
  }
  if (!(total > 0)) throw InternalError("RandomStream::categorical needs a weight above 0");
  double left = uniform() * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    last = i;
    if (left < weights[i]) return i;
    left -= weights[i];
  }
  return last;
}

void RandomStream::fill_normal(std::span<float> out) {
  left_in_block_ = 0;
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto bits = block_at(key_, next_block_++);
    std::array<float, 4> values{};
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const float u = (static_cast<float>(bits[2 * pair] >> 8) + 1.0f) * 0x1.0p-24f;  // (0, 1]
      const float v = static_cast<float>(bits[2 * pair + 1] >> 8) * 0x1.0p-24f;
      const float radius = std::sqrt(-2.0f * std::log(u));
      const float angle = 2.0f * std::numbers::pi_v<float> * v;
      values[2 * pair] = radius * std::cos(angle);
      values[2 * pair + 1] = radius * std::sin(angle);
    }
    for (std::size_t k = 0; k < 4 && i + k < out.size(); ++k) out[i + k] = values[k];
  }
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) throw InternalError("normal_quantile needs 0 < p < 1");
  // Bracketed Newton on the complementary error function: slow, exact, and used a few times a sample.
  double low = -40, high = 40, x = 0;
  for (int i = 0; i < 100; ++i) {
    const double error = normal_cdf(x) - p;
    (error > 0 ? high : low) = x;
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
    double next = density > 0 ? x - error / density : 0.5 * (low + high);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - x) < 1e-13 * (1 + std::abs(x))) return next;
    x = next;
  }
  return x;
}

}  // namespace genu
