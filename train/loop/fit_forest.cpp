#include "train/loop/fit_forest.h"

#include <fmt/format.h>

#include <chrono>

#include "core/files.h"
#include "core/log.h"
#include "train/metrics/scores.h"

namespace genu::train {

namespace {

ForestSamples read_samples(BatchSource& source, int side_px) {
  ForestSamples samples{.feature_count = side_px * side_px, .features = {}, .grades = {}};
  source.seek(0, 0);
  pipeline::Batch batch;
  for (std::size_t i = 0; i < source.batches_per_epoch(); ++i) {
    source.next(batch);
    samples.features.insert(samples.features.end(), batch.pixels.begin(), batch.pixels.end());
    for (const auto label : batch.labels) samples.grades.push_back(static_cast<std::int32_t>(label));
  }
  return samples;
}

EpochRow::Validation validation_of(const std::vector<Prediction>& predictions) {
  const Scores scores = score(predictions);
  return {.accuracy = scores.accuracy,
          .balanced_accuracy = scores.balanced_accuracy,
          .quadratic_kappa = scores.quadratic_kappa.value_or(0.0),
          .mean_absolute_error = scores.mean_absolute_error,
          .log_loss = log_loss(predictions)};
}

}  // namespace

std::vector<Prediction> grade_source(const Forest& forest, BatchSource& source) {
  source.seek(0, 0);
  std::vector<Prediction> predictions;
  pipeline::Batch batch;
  const auto width = static_cast<std::size_t>(forest.feature_count);
  for (std::size_t i = 0; i < source.batches_per_epoch(); ++i) {
    source.next(batch);
    for (std::size_t k = 0; k < batch.samples.size(); ++k) {
      const SampleIdentity identity = source.identity(batch.samples[k]);
      predictions.push_back({identity.sample_id, identity.subject, static_cast<int>(batch.labels[k]),
                             forest.vote(std::span<const float>(batch.pixels).subspan(k * width, width))});
    }
  }
  return predictions;
}

FitOutcome fit_forest(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const ForestSamples samples = read_samples(inputs.training, inputs.grader.size_px);
  const Forest forest = grow_forest(samples, inputs.grader.class_count, config.forest, config.seed);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<Prediction> fitted;
  const auto width = static_cast<std::size_t>(samples.feature_count);
  for (std::size_t i = 0; i < samples.grades.size(); ++i) {
    fitted.push_back({"", "", samples.grades[i], forest.vote(std::span(samples.features).subspan(i * width, width))});
  }
  EpochRow row{.epoch = 1, .steps = 1, .learning_rate = 0, .train_loss = log_loss(fitted), .validation = {}};
  if (inputs.validation != nullptr) row.validation = validation_of(grade_source(forest, *inputs.validation));
  log_info(fmt::format("{} trees, {} nodes", forest.roots.size(), forest.feature.size()));
  folder.save(1, RunFolder::Rank::kLastAndBest, [&](const std::filesystem::path& checkpoint) {
    write_forest(checkpoint / "model.safetensors", forest);
    write_file_atomically(checkpoint / "grader.yaml", to_yaml(inputs.grader));
    write_file_atomically(checkpoint / "train.yaml", to_yaml(config));
    write_file_atomically(checkpoint / "metrics.csv", epoch_rows_csv({row}));
  });
  return {.epochs_done = 1,
          .steps_done = 1,
          .best = row.validation,
          .best_epoch = 1,
          .finished = true,
          .samples_per_second = seconds > 0 ? static_cast<double>(samples.grades.size()) / seconds : 0.0};
}

}  // namespace genu::train
