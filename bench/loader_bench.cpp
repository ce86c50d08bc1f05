// How fast shards are read and turned into batches, by thread count.
//
//   GENU_BENCH_SHARDS=DIR build/release/loader_bench
//
// DIR is a folder that `genu shard` has made. items_per_second is images a second.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "pipeline/augment/warp.h"
#include "pipeline/loader/loader.h"

namespace genu::pipeline {
namespace {

std::shared_ptr<const ShardSet> shards() {
  static const auto set = ShardSet::open(std::getenv("GENU_BENCH_SHARDS"));
  return set;
}

// The augmentation and normalisation of the Python peer: rotation +-15, zoom 0.9-1.1, flip, contrast +-20 %, ImageNet.
LoaderConfig peer_config(int threads) {
  LoaderConfig config;
  config.batch_size = 32;
  config.channels = 3;
  config.normalisation = Normalisation::kImagenet;
  config.augment = {15, 0.1, 0, 0.5, 0.2, 0};
  config.threads = threads;
  return config;
}

void count_images(benchmark::State& state, std::size_t images) {
  state.SetItemsProcessed(static_cast<std::int64_t>(images));
}

void stream(benchmark::State& state, const LoaderConfig& config) {
  const auto loader = std::make_shared<const Loader>(shards(), shards()->select({Split::kTrain, {}, {}}), config);
  Stream batches(loader, 0, 0);
  Batch batch;
  std::size_t images = 0;
  for (auto _ : state) {
    batches.next(batch);
    benchmark::DoNotOptimize(batch.pixels.data());
    images += static_cast<std::size_t>(batch.count);
  }
  count_images(state, images);
}

// 3 x 224 x 224, augmented and normalised: what the peer's `loadh5` makes.
void AugmentedBatches(benchmark::State& state) { stream(state, peer_config(static_cast<int>(state.range(0)))); }
BENCHMARK(AugmentedBatches)->Arg(1)->Arg(2)->UseRealTime();

void AugmentedBatchesOneChannel(benchmark::State& state) {
  LoaderConfig config = peer_config(static_cast<int>(state.range(0)));
  config.channels = 1;
  stream(state, config);
}
BENCHMARK(AugmentedBatchesOneChannel)->Arg(1)->Arg(2)->UseRealTime();

void PlainBatches(benchmark::State& state) {
  LoaderConfig config = peer_config(static_cast<int>(state.range(0)));
  config.augment = {};
  stream(state, config);
}
BENCHMARK(PlainBatches)->Arg(1)->Arg(2)->UseRealTime();

// Checksummed pixels from mapped files in the page cache, each copied once, as a trainer on raw bytes would.
void RawRead(benchmark::State& state) {
  const auto set = ShardSet::open(std::getenv("GENU_BENCH_SHARDS"));
  std::atomic<std::size_t> next{0};
  const auto copy_all = [&](std::size_t end) {
    std::vector<std::uint8_t> image;
    std::vector<std::uint8_t> scratch;
    for (std::size_t i = next++; i < end; i = next++) {
      const auto pixels = set->pixels(i % set->size(), scratch);
      image.assign(pixels.begin(), pixels.end());
      benchmark::DoNotOptimize(image.data());
    }
  };
  std::size_t images = 0;
  for (auto _ : state) {
    next = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < state.range(0); ++t) threads.emplace_back([&] { copy_all(set->size()); });
    for (auto& thread : threads) thread.join();
    images += set->size();
  }
  count_images(state, images);
}
BENCHMARK(RawRead)->Arg(1)->Arg(2)->UseRealTime();

void WarpOnly(benchmark::State& state) {
  const auto pixels = shards()->copy_pixels(0);
  const GreyView view{pixels.data(), shards()->height_px(), shards()->width_px()};
  AugmentParameters parameters;
  parameters.rotation_deg = 7;
  parameters.zoom = 1.05;
  std::vector<float> out(pixels.size());
  for (auto _ : state) {
    apply_augmentation(view, parameters, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_images(state, static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(WarpOnly);

}  // namespace
}  // namespace genu::pipeline

int main(int argc, char** argv) {
  if (std::getenv("GENU_BENCH_SHARDS") == nullptr) {
    std::fputs("set GENU_BENCH_SHARDS to a folder that `genu shard` has made\n", stderr);
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
