#include "train/loop/batch_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/errors.h"
#include "pipeline/loader/stratified_parts.h"

namespace genu::train {

namespace {

using pipeline::Loader;
using pipeline::LoaderConfig;
using pipeline::ShardSet;

class ShardSource : public BatchSource {
 public:
  ShardSource(std::shared_ptr<const ShardSet> shards, std::vector<std::size_t> samples, const LoaderConfig& config)
      : samples_(samples), loader_(std::make_shared<const Loader>(std::move(shards), std::move(samples), config)) {}

  std::size_t batches_per_epoch() const override { return loader_->batches_per_epoch(); }
  std::size_t samples_per_epoch() const override { return loader_->size(); }
  std::vector<std::size_t> samples() const override { return samples_; }
  void seek(std::uint64_t epoch, std::size_t batch) override {
    stream_.reset();
    stream_ = std::make_unique<pipeline::Stream>(loader_, epoch, batch);
  }
  void next(pipeline::Batch& batch) override { stream_->next(batch); }
  bool repeats_pixels() const override { return loader_->config().augment == pipeline::AugmentConfig{}; }
  SampleIdentity identity(std::size_t sample) const override {
    const auto& record = loader_->shards().record(sample);
    return {record.sample_id, record.subject};
  }

 private:
  std::vector<std::size_t> samples_;
  std::shared_ptr<const Loader> loader_;
  std::unique_ptr<pipeline::Stream> stream_;
};

std::vector<std::size_t> select(const ShardSet& shards, pipeline::Split split, SourceChoice source,
                                pipeline::Variants variants) {
  std::vector<std::size_t> samples = shards.select({.split = split, .source = std::nullopt, .variants = variants});
  std::erase_if(samples, [&](std::size_t i) { return !is_chosen(shards.record(i), source); });
  return samples;
}

std::string shards_name(const ShardSet& shards) {
  return shards.shard_files().empty() ? "shards" : shards.shard_files().front().path.parent_path().string();
}

}  // namespace

bool is_chosen(const pipeline::SampleRecord& record, SourceChoice source) {
  const bool synthetic = record.source == pipeline::Source::kSynthetic;
  return source == SourceChoice::kAll || (source == SourceChoice::kSynthetic) == synthetic;
}

std::vector<std::size_t> limit_by_turns(const ShardSet& shards, std::vector<std::size_t> samples, int limit) {
  if (limit == 0 || samples.size() <= static_cast<std::size_t>(limit)) return samples;
  std::array<std::vector<std::size_t>, kKlGradeCount> by_grade;
  for (const std::size_t i : samples) by_grade[static_cast<std::size_t>(shards.record(i).kl.value())].push_back(i);
  std::vector<std::size_t> kept;
  for (std::size_t turn = 0; kept.size() < static_cast<std::size_t>(limit); ++turn) {
    for (const auto& grade : by_grade) {
      if (turn < grade.size() && kept.size() < static_cast<std::size_t>(limit)) kept.push_back(grade[turn]);
    }
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

std::vector<std::size_t> limit_training(const ShardSet& shards, std::vector<std::size_t> samples,
                                        const DataConfig& data, std::uint64_t seed) {
  if (data.real_subject_share < 1) {
    std::vector<std::size_t> kept, real;
    for (const std::size_t i : samples) (is_chosen(shards.record(i), SourceChoice::kReal) ? real : kept).push_back(i);
    std::vector<pipeline::PartMember> members;
    for (const std::size_t i : real) {
      const auto& record = shards.record(i);
      members.push_back({record.subject, record.source, record.kl.value()});
    }
    const auto part_of =
        pipeline::stratified_parts(members, {{data.real_subject_share, 1 - data.real_subject_share}, seed});
    for (std::size_t k = 0; k < real.size(); ++k) {
      if (part_of[k] == 0) kept.push_back(real[k]);
    }
    std::sort(kept.begin(), kept.end());
    samples = std::move(kept);
  }
  return limit_by_turns(shards, std::move(samples), data.limit_samples);
}

std::unique_ptr<BatchSource> training_source(std::shared_ptr<const ShardSet> shards, const DataConfig& data,
                                             const SourceOptions& options) {
  std::vector<std::size_t> samples =
      limit_training(*shards, select(*shards, pipeline::Split::kTrain, data.source, data.variants), data, options.seed);
  return training_source(std::move(shards), std::move(samples), data, options);
}

std::unique_ptr<BatchSource> training_source(std::shared_ptr<const ShardSet> shards, std::vector<std::size_t> samples,
                                             const DataConfig& data, const SourceOptions& options) {
  const auto counts = shards->class_counts(samples);
  for (std::size_t grade = 0; grade < counts.size(); ++grade) {
    if (counts[grade] > 0) continue;
    throw DataError(
        fmt::format("{}: grade {} has no training sample of the chosen source; add images of it or change "
                    "data.source, data.real_subject_share or data.limit_samples",
                    shards_name(*shards), grade));
  }
  LoaderConfig config;
  config.batch_size = data.batch_size;
  config.size_px = options.size_px;
  config.rows = options.rows;
  config.channels = 1;  // a network that takes colour repeats the channel itself
  config.normalisation = data.normalisation;
  config.augment = data.augment;
  config.sampling = data.sampling;
  config.effective_number_beta = data.effective_number_beta;
  const auto ranks = static_cast<std::size_t>(options.world_size);
  if (samples.size() < ranks) {
    throw DataError(
        fmt::format("{}: {} training samples for {} ranks; start fewer", shards_name(*shards), samples.size(), ranks));
  }
  // A last step that leaves a rank without a sample is left out in any case.
  const std::size_t full = static_cast<std::size_t>(data.batch_size) * ranks, rest = samples.size() % full;
  config.drop_last = samples.size() >= full && (data.last_batch == LastBatch::kDrop || rest < ranks);
  config.seed = options.seed;
  config.threads = options.threads;
  config.rank = options.rank;
  config.world_size = options.world_size;
  return std::make_unique<ShardSource>(std::move(shards), std::move(samples), config);
}

std::unique_ptr<BatchSource> evaluation_source(std::shared_ptr<const ShardSet> shards,
                                               const EvaluationSelection& selection,
                                               pipeline::Normalisation normalisation, const SourceOptions& options) {
  std::vector<std::size_t> samples =
      limit_by_turns(*shards, select(*shards, selection.split, selection.source, pipeline::Variants::kOriginals),
                     selection.limit_samples);
  if (samples.empty()) {
    throw DataError(fmt::format("{}: split '{}' holds no sample of the chosen source; name another split or source",
                                shards_name(*shards), pipeline::to_string(selection.split)));
  }
  return evaluation_source(std::move(shards), std::move(samples),
                           {.batch_size = selection.batch_size, .normalisation = normalisation}, options);
}

std::unique_ptr<BatchSource> evaluation_source(std::shared_ptr<const ShardSet> shards, std::vector<std::size_t> samples,
                                               const EvaluationFormat& format, const SourceOptions& options) {
  LoaderConfig config;
  config.batch_size = format.batch_size;
  config.size_px = options.size_px;
  config.rows = options.rows;
  config.channels = 1;
  config.normalisation = format.normalisation;
  config.order = pipeline::Order::kStored;
  config.seed = options.seed;
  config.threads = options.threads;
  config.rank = options.rank;
  config.world_size = options.world_size;
  return std::make_unique<ShardSource>(std::move(shards), std::move(samples), config);
}

}  // namespace genu::train
