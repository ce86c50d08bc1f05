// Batches for a trainer. Order, class balance and augmentation are pure functions of (seed, epoch, position): any
// thread count gives the same bytes, and resuming a run takes two integers, (epoch, batch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/config.h"
#include "pipeline/augment/augment.h"
#include "pipeline/loader/sampler.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/loader/tensor_format.h"

namespace genu::pipeline {

struct LoaderConfig {
  int batch_size = 32;
  int size_px = 0;  // width of the network input, and its height before `rows` are cut out; 0 = as stored
  RowBand rows = {};
  int channels = 1;  // 1, or 3 equal ones
  Normalisation normalisation = Normalisation::kDataset;
  AugmentConfig augment;  // all zero: none
  Order order = Order::kShuffled;
  SamplingPolicy sampling = SamplingPolicy::kAsIs;
  double effective_number_beta = 0.999;  // for SamplingPolicy::kEffectiveNumber
  SourceMix mix;                         // share of each source; all zero = as they come
  bool drop_last = false;                // leave out a last batch that is not full
  // One of `world_size` processes that step together: batch b of all ranks, one after another, is batch b of a single
  // process with world_size * batch_size. A last step that is not full is dealt out evenly; a rank's part may be empty.
  int rank = 0;
  int world_size = 1;
  std::uint64_t seed = 0;
  int threads = 0;   // 0 = one a processor; changes speed only
  int prefetch = 4;  // batches made ahead by a Stream; changes speed only
  void list_fields(FieldList& fields);
  TensorFormat tensor_format() const { return {size_px, channels, normalisation, rows}; }
};

struct Batch {
  int count = 0;
  int channels = 0;
  int height_px = 0;
  int width_px = 0;
  std::uint64_t epoch = 0;
  std::size_t index = 0;             // which batch of the epoch
  std::vector<float> pixels;         // [count, channels, height, width]
  std::vector<std::int64_t> labels;  // [count], KL grade 0..4
  std::vector<std::size_t> samples;  // [count], index into the ShardSet
};

// Memory of the caller's (pinned, shared, on a device that is mapped) for one batch of up to batch_size samples.
struct BatchMemory {
  std::span<float> pixels;         // at least count * shape().size()
  std::span<std::int64_t> labels;  // at least count
  std::span<std::size_t> samples;  // at least count
};

// What an epoch shows: positions by source and grade.
using EpochTable = std::map<Source, ClassCounts>;

// Safe to call from any number of threads.
class Loader {
 public:
  // `samples` are indices into `shards`, as select() gives them. Throws DataError if there are none.
  Loader(std::shared_ptr<const ShardSet> shards, std::vector<std::size_t> samples, LoaderConfig config);

  // Samples that one epoch shows (some policies show a sample several times).
  std::size_t size() const { return sampler_.size(); }
  std::size_t batches_per_epoch() const;
  const LoaderConfig& config() const { return config_; }
  const ShardSet& shards() const { return *shards_; }
  TensorShape shape() const;

  // Pure function. Requires batch < batches_per_epoch(). Throws DataError naming a damaged sample.
  Batch load(std::uint64_t epoch, std::size_t batch) const;
  // The same into a batch whose memory is used again.
  void load_into(std::uint64_t epoch, std::size_t batch, Batch& out) const;
  // The same into the caller's memory; returns the count. Throws InternalError if it is too small.
  std::size_t load_into(std::uint64_t epoch, std::size_t batch, const BatchMemory& out) const;
  // Samples of a batch of this rank.
  std::size_t count_of(std::size_t batch) const;
  // Over all ranks.
  EpochTable epoch_table(std::uint64_t epoch) const;

 private:
  struct Positions {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  Positions positions_of(std::size_t batch) const;
  void fill_sample(std::uint64_t epoch, std::size_t position, std::size_t sample, std::span<float> pixels) const;

  std::shared_ptr<const ShardSet> shards_;
  LoaderConfig config_;
  Sampler sampler_;
};

// Batches in order, made ahead by background threads, from (epoch, first_batch) on and without end: after the last
// batch of an epoch comes the first of the next. One consumer.
class Stream {
 public:
  // Keeps the loader alive.
  Stream(std::shared_ptr<const Loader> loader, std::uint64_t epoch, std::size_t first_batch);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Waits for the next batch and swaps it with `batch`, whose memory is used again. Throws what load() threw.
  void next(Batch& batch);
  Batch next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace genu::pipeline
