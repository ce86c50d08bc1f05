#include "pipeline/loader/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/pack/pack_shards.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

// 40 training knees of 48 px in shards of 30 rows.
class Loading : public ::testing::Test {
 protected:
  Loading() {
    write_mendeley_folder(folder.path() / "films", 20, 48);
    ShardConfig shard;
    shard.preprocess.size_px = 48;
    shard.samples_per_shard = 30;
    shard.near_duplicates.search = NearDuplicateSearch::kOff;
    pack_shards(list_mendeley(folder.path() / "films", FaultPolicy::kStop).samples, shard,
                {folder.path() / "shards", 2, FaultPolicy::kStop});
    set = ShardSet::open(folder.path() / "shards");
    config.batch_size = 7;
    config.augment = {15, 0.1, 0.05, 0.5, 0.2, 0.1};
    config.sampling = SamplingPolicy::kClassBalanced;
    config.seed = 3;
  }
  std::shared_ptr<const Loader> loader() const {
    return std::make_shared<const Loader>(set, set->select({Split::kTrain, {}, {}}), config);
  }

  TemporaryFolder folder;
  std::shared_ptr<const ShardSet> set;
  LoaderConfig config;
};

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.pixels, b.pixels);
}

TEST_F(Loading, ShapesAndLabels) {
  config.channels = 3;
  config.size_px = 32;
  const auto l = loader();
  EXPECT_EQ(l->size(), 40u);
  EXPECT_EQ(l->batches_per_epoch(), 6u);
  const Batch last = l->load(0, 5);
  EXPECT_EQ(last.count, 5);
  EXPECT_EQ(last.pixels.size(), 5u * 3u * 32u * 32u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(last.labels[i], set->record(last.samples[i]).kl.value());
  config.drop_last = true;
  EXPECT_EQ(loader()->batches_per_epoch(), 5u);
  config.batch_size = 41;
  EXPECT_THROW(loader(), ConfigError);
  EXPECT_THROW(Loader(set, {}, config), DataError);
}

TEST_F(Loading, WithoutAugmentationABatchHoldsTheStoredPixels) {
  config.augment = {};
  config.normalisation = Normalisation::kUnit;
  config.sampling = SamplingPolicy::kAsIs;
  config.order = Order::kStored;
  const Batch batch = loader()->load(4, 1);
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(batch.samples[i], 7 + i);
    const auto pixels = set->copy_pixels(batch.samples[i]);
    for (std::size_t k = 0; k < pixels.size(); ++k) {
      ASSERT_NEAR(batch.pixels[i * pixels.size() + k], pixels[k] / 255.0, 1e-6);
    }
  }
}

TEST_F(Loading, AnyThreadCountGivesTheSameBatchesInOrder) {
  const auto reference = loader();
  for (const int threads : {1, 2, 5}) {
    config.threads = threads;
    config.prefetch = threads == 2 ? 1 : 3;
    Stream stream(loader(), 0, 0);
    Batch batch;
    for (std::uint64_t k = 0; k < 15; ++k) {
      stream.next(batch);
      expect_same(batch, reference->load(k / 6, k % 6));
    }
  }
}

TEST_F(Loading, ResumingIsTwoIntegers) {
  Stream uninterrupted(loader(), 0, 0);
  for (int k = 0; k < 10; ++k) static_cast<void>(uninterrupted.next());
  Stream resumed(loader(), 1, 4);
  for (int k = 0; k < 9; ++k) expect_same(uninterrupted.next(), resumed.next());
}

TEST_F(Loading, AugmentationDiffersBetweenEpochsAndRepeats) {
  config.sampling = SamplingPolicy::kAsIs;
  config.order = Order::kStored;
  const auto l = loader();
  EXPECT_EQ(l->load(0, 0).samples, l->load(1, 0).samples);
  EXPECT_NE(l->load(0, 0).pixels, l->load(1, 0).pixels);
  EXPECT_EQ(l->load(1, 0).pixels, l->load(1, 0).pixels);
}

TEST_F(Loading, AStreamThatIsLeftEarlyStops) {
  for (int k = 0; k < 20; ++k) {
    Stream stream(loader(), 0, 0);
    if (k % 2 == 0) static_cast<void>(stream.next());
  }
}

TEST_F(Loading, ADamagedSampleIsThrownWithItsNameAndTheRestCanBeKept) {
  const auto shard = folder.path() / "shards/shard-00000.h5";
  auto bytes = read_file(shard);
  bytes[4096 + 2 * 48 * 48] ^= 1;
  write_file_atomically(shard, std::as_bytes(std::span(bytes)));
  set = ShardSet::open(folder.path() / "shards");
  config.sampling = SamplingPolicy::kAsIs;
  config.order = Order::kStored;
  config.threads = 2;
  Stream stream(loader(), 0, 0);
  EXPECT_THROW(stream.next(), DataError);
  EXPECT_EQ(stream.next().index, 1u);  // the stream goes on
  const auto kept = set->keep_intact(set->select({Split::kTrain, {}, {}}));
  EXPECT_EQ(kept.samples.size(), 39u);
  EXPECT_EQ(kept.damaged.size(), 1u);
  EXPECT_NO_THROW(Loader(set, kept.samples, config).load(0, 0));
}

TEST_F(Loading, ManyReadersAtOnce) {
  const auto l = loader();
  std::vector<Batch> batches(8);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t) threads.emplace_back([&, t] { batches[t] = l->load(t / 6, t % 6); });
  for (auto& thread : threads) thread.join();
  for (std::size_t t = 0; t < 8; ++t) expect_same(batches[t], l->load(t / 6, t % 6));
}

// The ranks' batches, one after another, are those of a single process with a batch as large as theirs together.
TEST_F(Loading, RanksShareTheBatchesOfASingleProcess) {
  for (const int world : {1, 2, 3, 5}) {
    config.batch_size = 7 * world;
    config.rank = 0;
    config.world_size = 1;
    const auto single = loader();
    config.batch_size = 7;
    config.world_size = world;
    for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
      for (std::size_t b = 0; b < single->batches_per_epoch(); ++b) {
        Batch joined;
        for (int rank = 0; rank < world; ++rank) {
          config.rank = rank;
          const auto of_rank = loader();
          ASSERT_EQ(of_rank->batches_per_epoch(), single->batches_per_epoch());
          const Batch part = of_rank->load(epoch, b);
          EXPECT_LE(part.count, 7);
          joined.samples.insert(joined.samples.end(), part.samples.begin(), part.samples.end());
          joined.labels.insert(joined.labels.end(), part.labels.begin(), part.labels.end());
          joined.pixels.insert(joined.pixels.end(), part.pixels.begin(), part.pixels.end());
        }
        const Batch whole = single->load(epoch, b);
        EXPECT_EQ(joined.samples, whole.samples);
        EXPECT_EQ(joined.labels, whole.labels);
        EXPECT_EQ(joined.pixels, whole.pixels);
      }
    }
  }
  config.rank = config.world_size;
  EXPECT_THROW(loader(), ConfigError);
}

TEST_F(Loading, ABatchGoesIntoTheCallersMemory) {
  const auto l = loader();
  const Batch expected = l->load(1, 5);
  std::vector<float> pixels(7 * l->shape().size(), -9);
  std::vector<std::int64_t> labels(7);
  std::vector<std::size_t> samples(7);
  ASSERT_EQ(l->load_into(1, 5, BatchMemory{pixels, labels, samples}), 5u);
  EXPECT_TRUE(std::equal(expected.pixels.begin(), expected.pixels.end(), pixels.begin()));
  EXPECT_EQ(pixels[expected.pixels.size()], -9);
  EXPECT_TRUE(std::equal(expected.labels.begin(), expected.labels.end(), labels.begin()));
  EXPECT_THROW(l->load_into(1, 4, BatchMemory{std::span(pixels).first(10), labels, samples}), InternalError);
}

TEST_F(Loading, TheTableOfAnEpochIsWhatItShows) {
  const auto l = loader();
  ClassCounts shown{};
  for (std::size_t b = 0; b < l->batches_per_epoch(); ++b) {
    for (const auto label : l->load(3, b).labels) ++shown.at(static_cast<std::size_t>(label));
  }
  const EpochTable table = l->epoch_table(3);
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table.at(Source::kMendeley), shown);
}

}  // namespace
}  // namespace genu::pipeline
