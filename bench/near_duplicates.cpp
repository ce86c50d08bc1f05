// How long the search for near duplicates takes: N random fingerprints, parted 70/15/15.
//   near_duplicates [N]      default 100000
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/random.h"
#include "pipeline/split/near_duplicates.h"

int main(int argument_count, char** arguments) {
  using namespace genu;
  using namespace genu::pipeline;
  const long count = argument_count > 1 ? std::atol(arguments[1]) : 100000;
  RandomStream random(1, 0, "bench.fingerprints");
  std::vector<ImageFingerprint> fingerprints(static_cast<std::size_t>(count));
  std::vector<Split> splits;
  for (auto& fingerprint : fingerprints) {
    for (auto& word : fingerprint.bits) word = random.next_u64();
    for (auto& word : fingerprint.mirrored_bits) word = random.next_u64();
    const double at = random.uniform();
    splits.push_back(at < 0.70 ? Split::kTrain : at < 0.85 ? Split::kVal : Split::kTest);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto pairs = close_pairs(splits, fingerprints, NearDuplicateConfig{}.most_hash_bits);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%ld images: %.2f s, %zu close pairs\n", count, seconds.count(), pairs.size());
  return 0;
}
