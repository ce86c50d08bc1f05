// Where a training loop takes its batches from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/loader/loader.h"
#include "train/loop/train_config.h"

namespace genu::train {

struct SampleIdentity {
  std::string sample_id;
  std::string subject;
};

// Batches are a pure function of (epoch, batch). One consumer.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual std::size_t batches_per_epoch() const = 0;
  virtual std::size_t samples_per_epoch() const = 0;  // over all ranks
  // Those it may give, each once.
  virtual std::vector<std::size_t> samples() const = 0;
  // The next batch given is `batch` of `epoch`; after the last of an epoch comes the first of the next.
  virtual void seek(std::uint64_t epoch, std::size_t batch) = 0;
  // Requires seek() before the first call. The batch's memory is used again. Of an evaluation's last batch a rank's
  // part may be empty.
  virtual void next(pipeline::Batch& batch) = 0;
  // Whether an entry of Batch::samples always comes with the same pixels.
  virtual bool repeats_pixels() const = 0;
  // Of an entry of Batch::samples.
  virtual SampleIdentity identity(std::size_t sample) const = 0;
};

struct SourceOptions {
  int size_px = 0;  // > 0
  pipeline::RowBand rows = {};
  std::uint64_t seed = 0;
  int threads = 0;  // 0 = one a processor
  // One of `world_size` processes that step together; each batch is data.batch_size samples a process.
  int rank = 0;
  int world_size = 1;
};

// The first `limit` samples, taking one of each grade in turn, in stored order; 0 = all.
std::vector<std::size_t> limit_by_turns(const pipeline::ShardSet& shards, std::vector<std::size_t> samples, int limit);
// Those that data.real_subject_share and then data.limit_samples leave, in stored order; the share is drawn by `seed`
// among the subjects of the real samples.
std::vector<std::size_t> limit_training(const pipeline::ShardSet& shards, std::vector<std::size_t> samples,
                                        const DataConfig& data, std::uint64_t seed);
bool is_chosen(const pipeline::SampleRecord& record, SourceChoice source);

// Shuffled, augmented batches of the train split. Throws DataError naming the shards if a grade has no sample.
std::unique_ptr<BatchSource> training_source(std::shared_ptr<const pipeline::ShardSet> shards, const DataConfig& data,
                                             const SourceOptions& options);
// The same of these samples, whatever data.source, data.variants, data.real_subject_share and data.limit_samples say.
std::unique_ptr<BatchSource> training_source(std::shared_ptr<const pipeline::ShardSet> shards,
                                             std::vector<std::size_t> samples, const DataConfig& data,
                                             const SourceOptions& options);

struct EvaluationSelection {
  pipeline::Split split = pipeline::Split::kVal;
  SourceChoice source = SourceChoice::kAll;
  int limit_samples = 0;  // 0 = all
  int batch_size = 64;
};

// Original images in stored order, without augmentation. Throws DataError naming the shards if there are none.
std::unique_ptr<BatchSource> evaluation_source(std::shared_ptr<const pipeline::ShardSet> shards,
                                               const EvaluationSelection& selection,
                                               pipeline::Normalisation normalisation, const SourceOptions& options);

struct EvaluationFormat {
  int batch_size = 64;
  pipeline::Normalisation normalisation = pipeline::Normalisation::kPerImage;
};
// The same of these samples. Requires at least one.
std::unique_ptr<BatchSource> evaluation_source(std::shared_ptr<const pipeline::ShardSet> shards,
                                               std::vector<std::size_t> samples, const EvaluationFormat& format,
                                               const SourceOptions& options);

}  // namespace genu::train
