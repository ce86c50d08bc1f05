#include "train/loop/fit.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>

#include "core/errors.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "train/loop/adam.h"
#include "train/loop/checkpoint.h"
#include "train/loop/grading.h"
#include "train/loop/tensor_errors.h"
#include "train/loop/weight_average.h"
#include "train/losses/loss.h"
#include "train/metrics/scores.h"
#include "train/models/freeze.h"
#include "train/models/layout.h"

namespace genu::train {

namespace {

// Torch's generator, addressed: what follows is a function of (seed, position, stage) and of no earlier draw.
void address_torch_generator(std::uint64_t seed, std::uint64_t position, std::string_view stage) {
  torch::manual_seed(RandomStream(seed, position, stage).next_u64());
}

std::shared_ptr<GraderModel> make_initial_model(const TrainConfig& config, int class_count) {
  address_torch_generator(config.seed, 0, "initial weights");
  std::shared_ptr<GraderModel> model = make_model(config.model, class_count);
  if (!config.init.weights.empty()) {
    const LoadOptions options{
        .head = config.init.head, .channels = ChannelPolicy::kFold, .head_prefix = model->head_prefix()};
    const LoadReport report =
        load_state_or_throw(*model, read_weights(config.init.weights), options, config.init.weights);
    log_info(fmt::format("{}: {}", config.init.weights, report.text()));
  }
  return model;
}

// One run in progress.
class Fit {
 public:
  Fit(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder)
      : config_(config),
        inputs_(inputs),
        folder_(folder),
        model_(make_initial_model(config, inputs.grader.class_count)),
        frozen_(*model_, config.freeze),
        loss_(make_loss(config.loss, inputs.grader.class_count)) {
    use_channels_last(*model_);
    optimiser_ = std::make_unique<Adam>(parameter_groups(*model_, config.optimiser), config.optimiser);
    if (config.ema_decay > 0) average_.emplace(state_dict(*model_), config.ema_decay);
    steps_per_epoch_ = inputs.training.batches_per_epoch();
    total_steps_ = steps_per_epoch_ * static_cast<std::uint64_t>(config.epochs);
  }

  void restore(const std::filesystem::path& checkpoint);
  FitOutcome run(const StopRequest& stop);

 private:
  double learning_rate() const {
    return config_.optimiser.learning_rate * learning_rate_factor(config_.schedule, cursor_.steps, total_steps_);
  }
  double train_step();
  void end_epoch();
  std::optional<EpochRow::Validation> validate();
  void save(RunFolder::Rank rank);
  FitOutcome outcome(double seconds, std::uint64_t first_step) const;

  const TrainConfig& config_;
  const FitInputs& inputs_;
  RunFolder& folder_;
  std::shared_ptr<GraderModel> model_;
  FrozenBlocks frozen_;
  Loss loss_;
  std::unique_ptr<Adam> optimiser_;
  std::optional<WeightAverage> average_;
  std::uint64_t steps_per_epoch_ = 0;
  std::uint64_t total_steps_ = 0;
  Cursor cursor_;
  std::vector<EpochRow> rows_;
  pipeline::Batch batch_;
};

void Fit::restore(const std::filesystem::path& checkpoint) {
  const std::string model_file = (checkpoint / "model.safetensors").string();
  const std::string state_file = (checkpoint / "state.safetensors").string();
  const StateDict weights = read_weights(model_file);
  TrainingState state = read_training_state(checkpoint);
  if (average_) {
    StateDict live;
    for (const auto& [name, tensor] : state.tensors) {
      if (name.starts_with("live.")) live[name.substr(5)] = tensor;
    }
    load_state_or_throw(*model_, weights, {}, model_file);
    average_.emplace(state_dict(*model_), config_.ema_decay);
    load_state_or_throw(*model_, live, {}, state_file);
  } else {
    load_state_or_throw(*model_, weights, {}, model_file);
  }
  optimiser_->load(state.tensors, state.cursor.steps, state_file);
  cursor_ = state.cursor;
  rows_ = std::move(state.rows);
}

double Fit::train_step() {
  inputs_.training.next(batch_);
  address_torch_generator(config_.seed, cursor_.steps, "dropout");
  torch::Tensor logits;
  {
    const PrecisionScope precision(config_.precision);
    logits = model_->forward(pixels_tensor(batch_));
  }
  const torch::Tensor loss = loss_(logits.to(torch::kFloat32), labels_tensor(batch_));
  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    throw DataError(fmt::format(
        "{}: the loss is not finite at epoch {}, step {}; lower optimiser.learning_rate or set optimiser.clip_norm",
        folder_.path().string(), cursor_.epoch + 1, cursor_.step_in_epoch + 1));
  }
  optimiser_->zero_grad();
  loss.backward();
  optimiser_->step(learning_rate());
  ++cursor_.step_in_epoch;
  ++cursor_.steps;
  cursor_.loss_sum += value;
  if (average_) average_->update(state_dict(*model_), cursor_.steps);
  return value;
}

std::optional<EpochRow::Validation> Fit::validate() {
  if (inputs_.validation == nullptr) return std::nullopt;
  StateDict live;
  if (average_) {
    for (const auto& [name, tensor] : state_dict(*model_)) live[name] = tensor.detach().clone();
    load_state(*model_, average_->tensors(), {});
  }
  const Scores scores = score(grade_source(
      *model_, *inputs_.validation, {.flip_average = config_.validation.flip_average, .precision = config_.precision}));
  if (average_) load_state(*model_, live, {});
  return EpochRow::Validation{.accuracy = scores.accuracy,
                              .balanced_accuracy = scores.balanced_accuracy,
                              .quadratic_kappa = scores.quadratic_kappa.value_or(0.0),
                              .mean_absolute_error = scores.mean_absolute_error};
}

void Fit::save(RunFolder::Rank rank) {
  CheckpointParts parts{.weights = average_ ? average_->tensors() : state_dict(*model_),
                        .grader = inputs_.grader,
                        .config = config_,
                        .state = {cursor_, optimiser_->state(), rows_}};
  if (average_) {
    for (const auto& [name, tensor] : state_dict(*model_)) parts.state.tensors["live." + name] = tensor;
  }
  folder_.save(cursor_.steps, rank, [&](const std::filesystem::path& folder) { write_checkpoint(folder, parts); });
}

void Fit::end_epoch() {
  EpochRow row{.epoch = cursor_.epoch + 1,
               .steps = cursor_.steps,
               .learning_rate = config_.optimiser.learning_rate *
                                learning_rate_factor(config_.schedule, cursor_.steps - 1, total_steps_),
               .train_loss = cursor_.loss_sum / static_cast<double>(cursor_.step_in_epoch),
               .validation = validate()};
  const bool best = !row.validation || !cursor_.best_kappa || row.validation->quadratic_kappa > *cursor_.best_kappa;
  if (best) {
    cursor_.best_epoch = row.epoch;
    if (row.validation) cursor_.best_kappa = row.validation->quadratic_kappa;
  }
  std::string line = fmt::format("epoch {}/{}: loss {:.4f}", row.epoch, config_.epochs, row.train_loss);
  if (row.validation) {
    line += fmt::format(", val kappa {:.4f}, accuracy {:.4f}, balanced {:.4f}{}", row.validation->quadratic_kappa,
                        row.validation->accuracy, row.validation->balanced_accuracy, best ? " (best)" : "");
  }
  log_info(line);
  rows_.push_back(row);
  cursor_.epoch += 1;
  cursor_.step_in_epoch = 0;
  cursor_.loss_sum = 0;
  save(best ? RunFolder::Rank::kLastAndBest : RunFolder::Rank::kLast);
}

FitOutcome Fit::outcome(double seconds, std::uint64_t first_step) const {
  const double samples =
      static_cast<double>((cursor_.steps - first_step) * static_cast<std::uint64_t>(config_.data.batch_size));
  return {.epochs_done = cursor_.epoch,
          .steps_done = cursor_.steps,
          .best_kappa = cursor_.best_kappa,
          .best_epoch = cursor_.best_epoch,
          .finished = cursor_.steps == total_steps_,
          .samples_per_second = seconds > 0 ? samples / seconds : 0.0};
}

FitOutcome Fit::run(const StopRequest& stop) {
  using Clock = std::chrono::steady_clock;
  const std::uint64_t first_step = cursor_.steps;
  double seconds = 0;  // in training steps
  while (cursor_.steps < total_steps_) {
    inputs_.training.seek(cursor_.epoch, cursor_.step_in_epoch);
    frozen_.set_training_mode(*model_);
    ProgressBar bar(fmt::format("epoch {}/{}", cursor_.epoch + 1, config_.epochs),
                    (steps_per_epoch_ - cursor_.step_in_epoch) * static_cast<std::uint64_t>(config_.data.batch_size),
                    "images");
    const auto start = Clock::now();
    while (cursor_.step_in_epoch < steps_per_epoch_) {
      train_step();
      bar.set_note(fmt::format("loss {:.4f}", cursor_.loss_sum / static_cast<double>(cursor_.step_in_epoch)));
      bar.advance(batch_.labels.size());
      const bool epoch_ends = cursor_.step_in_epoch == steps_per_epoch_;
      const bool stopping = stop && stop(cursor_.steps);
      const auto every = static_cast<std::uint64_t>(config_.checkpoint_every_steps);
      if (!epoch_ends && (stopping || (every > 0 && cursor_.steps % every == 0))) save(RunFolder::Rank::kLast);
      if (stopping && !epoch_ends) {
        return outcome(seconds + std::chrono::duration<double>(Clock::now() - start).count(), first_step);
      }
    }
    seconds += std::chrono::duration<double>(Clock::now() - start).count();
    end_epoch();
    if (stop && stop(cursor_.steps) && cursor_.steps < total_steps_) break;
  }
  return outcome(seconds, first_step);
}

}  // namespace

namespace {

// Goes back to the last checkpoint. It must be of the same config and shards.
void resume(Fit& run, const TrainConfig& config, const FitInputs& inputs, const RunFolder& folder,
            const std::filesystem::path& last) {
  const std::string name = folder.path().string();
  if (!(read_checkpoint_config(last) == config)) {
    throw UsageError(
        fmt::format("{}: was begun with another config ({}); resume with that one, or choose another folder", name,
                    (last / "train.yaml").string()));
  }
  if (read_grader_config(last).shards_sha256 != inputs.grader.shards_sha256) {
    throw DataError(name + ": was begun on other shards; resume with those, or choose another folder");
  }
  run.restore(last);
}

}  // namespace

FitOutcome fit(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder, RunMode mode,
               const StopRequest& stop) {
  const auto last = folder.last();
  if (mode == RunMode::kFresh && last) {
    throw UsageError(folder.path().string() +
                     ": holds a run already; --resume goes on with it, or choose another folder");
  }
  return tensor_work([&] {
    Fit run(config, inputs, folder);
    if (last) resume(run, config, inputs, folder, *last);
    return run.run(stop);
  });
}

}  // namespace genu::train
