#include "train/loop/training_run.h"

#include <fmt/format.h>

#include "core/log.h"
#include "train/distributed/ranks.h"
#include "train/models/registry.h"

namespace genu::train {

namespace {

using Shards = std::shared_ptr<const pipeline::ShardSet>;

std::unique_ptr<BatchSource> make_training_source(const TrainConfig& config, const Shards& shards,
                                                  const RunRequest& request, const SourceOptions& options) {
  if (request.samples) return training_source(shards, request.samples->training, config.data, options);
  return training_source(shards, config.data, options);
}

std::unique_ptr<BatchSource> make_validation_source(const TrainConfig& config, const Shards& shards,
                                                    const RunRequest& request, const SourceOptions& options) {
  const ValidationConfig& validation = config.validation;
  if (request.samples) {
    if (request.samples->validation.empty()) return nullptr;
    return evaluation_source(shards, request.samples->validation,
                             {.batch_size = validation.batch_size, .normalisation = config.data.normalisation},
                             options);
  }
  if (validation.split == SplitChoice::kNone) return nullptr;
  return evaluation_source(
      shards,
      {.split = validation.split == SplitChoice::kVal ? pipeline::Split::kVal : pipeline::Split::kTest,
       .source = validation.source,
       .limit_samples = config.data.limit_samples,
       .batch_size = validation.batch_size},
      config.data.normalisation, options);
}

// What a checkpoint of a run of this config on these shards needs to grade.
GraderConfig grader_config(const TrainConfig& config, const pipeline::ShardSet& shards) {
  GraderConfig grader;
  grader.model = config.model;
  grader.size_px = input_side_px(config.model, config.data.size_px);
  grader.rows = config.data.rows;
  grader.normalisation = config.data.normalisation;
  grader.mean_grey = shards.training_pixels().mean_grey;
  grader.sd_grey = shards.training_pixels().sd_grey;
  grader.decoding = decoding_of(phases_of(config).front().loss.kind);
  grader.flip_average = config.validation.flip_average && !is_forest(config.model);
  grader.preprocess = shards.preprocess_yaml();
  grader.shards_sha256 = shards.index_sha256();
  return grader;
}

// Rank 0 makes the folder before the others look into it.
RunFolder open_folder(const RunRequest& request) {
  if (request.ranks == nullptr) return RunFolder(request.folder);
  if (request.ranks->leads()) {
    RunFolder folder(request.folder);
    request.ranks->wait_for_all();
    return folder;
  }
  request.ranks->wait_for_all();
  return RunFolder(request.folder, RunFolder::Access::kRead);
}

}  // namespace

FitOutcome run_training(const TrainConfig& config, const Shards& shards, const RunRequest& request,
                        const StopRequest& stop) {
  check_config(config);
  GraderConfig grader = grader_config(config, *shards);
  grader.chosen_samples = request.samples.has_value();
  if (request.ranks != nullptr) {
    request.ranks->require_agreement(
        fmt::format("{}{} {}", to_yaml(config), grader.shards_sha256, request.mode == RunMode::kResume));
  }
  SourceOptions options{
      .size_px = grader.size_px, .rows = grader.rows, .seed = config.seed, .threads = request.threads};
  if (request.ranks != nullptr) {
    options.rank = request.ranks->rank();
    options.world_size = request.ranks->size();
  }
  const auto training = make_training_source(config, shards, request, options);
  const auto validation = make_validation_source(config, shards, request, options);
  log_info(fmt::format("{}: {} training samples an epoch, {} to validate", config.model.name,
                       training->samples_per_epoch(), validation ? validation->samples_per_epoch() : 0));
  RunFolder folder = open_folder(request);
  const FitOutcome outcome =
      fit(config, {.training = *training, .validation = validation.get(), .grader = grader, .ranks = request.ranks},
          folder, request.mode, stop);
  if (request.ranks != nullptr) request.ranks->wait_for_all();  // none succeeds before rank 0 has saved
  return outcome;
}

}  // namespace genu::train
