#include "train/loop/fit.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/random.h"
#include "train/distributed/ranks.h"
#include "train/kernels/norm_sync.h"
#include "train/loop/checkpoint.h"
#include "train/loop/device.h"
#include "train/loop/event_file.h"
#include "train/loop/feature_cache.h"
#include "train/loop/fit_forest.h"
#include "train/loop/grading.h"
#include "train/loop/optimiser.h"
#include "train/loop/schedule.h"
#include "train/loop/teacher.h"
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

// Of a run that goes on, the weights come from its checkpoint.
std::shared_ptr<GraderModel> make_initial_model(const TrainConfig& config, int class_count, RunMode mode) {
  address_torch_generator(config.seed, 0, "initial weights");
  std::shared_ptr<GraderModel> model = make_model(config.model, class_count);
  if (mode == RunMode::kFresh && !config.init.weights.empty()) {
    const LoadOptions options{
        .head = config.init.head, .channels = ChannelPolicy::kFold, .head_prefix = model->head_prefix()};
    const LoadReport report =
        load_state_or_throw(*model, read_weights(config.init.weights), options, config.init.weights);
    log_info(fmt::format("{}: {}", config.init.weights, report.text()));
  }
  return model;
}

// What one phase needs beside the model.
struct PhaseTools {
  PhaseTools(GraderModel& model, const PhaseConfig& config, int class_count)
      : frozen(model, config.freeze),
        loss(make_loss(config.loss, class_count)),
        optimiser(
            parameter_groups(model, config.optimiser,
                             config.freeze.policy == FreezePolicy::kGradual ? Included::kAll : Included::kLearning),
            config.optimiser) {}

  FrozenLayers frozen;
  Loss loss;
  Optimiser optimiser;
  std::optional<FeatureCache> cache;
};

// One run in progress.
class Fit {
 public:
  Fit(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder, RunMode mode)
      : config_(config),
        inputs_(inputs),
        folder_(folder),
        phases_(phases_of(config)),
        model_(make_initial_model(config, inputs.grader.class_count, mode)),
        accumulate_(static_cast<std::uint64_t>(config.data.accumulate)),
        device_(device_of(config.device, inputs.ranks == nullptr ? 0 : inputs.ranks->local_rank())) {
    use_channels_last(*model_);
    model_->to(device_);
    if (inputs.ranks != nullptr) {
      cursor_.ranks = static_cast<std::uint64_t>(inputs.ranks->size());
      if (config.sync_batch_norm) {
        norm_sync_ = [ranks = inputs.ranks](torch::Tensor& sums) { ranks->add_up(sums); };
      }
    }
    if (!config.teacher.predictions.empty()) {
      teacher_.emplace(config.teacher, inputs.grader.class_count);
      teacher_->require_all(inputs.training);
    }
    if (config.ema_decay > 0) average_.emplace(state_dict(*model_), config.ema_decay);
    steps_per_epoch_ = (inputs.training.batches_per_epoch() + accumulate_ - 1) / accumulate_;
    begin_phase();
  }

  void restore(const std::filesystem::path& checkpoint);
  FitOutcome run(const StopRequest& stop);

 private:
  bool leads() const { return inputs_.ranks == nullptr || inputs_.ranks->leads(); }
  bool anywhere(bool here) const { return inputs_.ranks == nullptr ? here : inputs_.ranks->any(here); }
  void copy_from_leader(const std::vector<torch::Tensor>& tensors) const {
    if (inputs_.ranks != nullptr) inputs_.ranks->copy_from_leader(tensors);
  }
  void record(const Scalar& scalar) {
    if (events_) events_->add(cursor_.steps, scalar);
  }
  bool finished() const { return cursor_.phase == phases_.size(); }
  const PhaseConfig& phase() const { return phases_.at(cursor_.phase); }
  void begin_phase();
  void begin_epoch();
  double learning_rate(std::uint64_t phase_step) const;
  std::vector<double> phase_scores() const;
  // Whether a step takes more than this rank's one batch.
  bool is_part_of_a_step() const { return accumulate_ > 1 || inputs_.ranks != nullptr; }
  struct BatchTotal {
    double loss_sum = 0;  // over samples
    double samples = 0;
  };
  BatchTotal add_gradients();
  void train_step();
  torch::Tensor forward();
  torch::Tensor loss_of(const torch::Tensor& logits);
  void end_epoch();
  void end_phase_if_due();
  std::optional<EpochRow::Validation> validate();
  void report_epoch(const EpochRow& row, bool best);
  void save(RunFolder::Rank rank);
  FitOutcome outcome(double seconds) const;

  const TrainConfig& config_;
  const FitInputs& inputs_;
  RunFolder& folder_;
  std::vector<PhaseConfig> phases_;
  std::shared_ptr<GraderModel> model_;
  std::uint64_t accumulate_;
  torch::Device device_;
  std::unique_ptr<PhaseTools> tools_;
  std::optional<Teacher> teacher_;
  std::optional<WeightAverage> average_;
  std::unique_ptr<EventFile> events_;  // of the leader
  TensorSum norm_sync_;                // empty: each rank's batch norm on its own
  std::uint64_t steps_per_epoch_ = 0;
  double samples_shown_ = 0;  // by this call, over all ranks
  Cursor cursor_;
  std::vector<EpochRow> rows_;
  pipeline::Batch batch_;
};

void Fit::begin_phase() {
  if (finished()) return;
  tools_ = std::make_unique<PhaseTools>(*model_, phase(), inputs_.grader.class_count);
  const std::size_t fixed = tools_->frozen.fixed_blocks();
  const auto cache_bytes = static_cast<std::size_t>(phase().freeze.cache_mb) << 20;
  if (fixed > 0 && cache_bytes > 0 && inputs_.training.repeats_pixels()) {
    tools_->cache.emplace(*model_, CacheOptions{.blocks = fixed,
                                                .largest_bytes = cache_bytes,
                                                .image_count = inputs_.training.samples_per_epoch()});
  }
}

void Fit::begin_epoch() {
  tools_->frozen.begin_epoch(*model_, static_cast<int>(cursor_.phase_epoch));
  tools_->frozen.set_training_mode(*model_);
}

void Fit::restore(const std::filesystem::path& checkpoint) {
  const std::string model_file = (checkpoint / "model.safetensors").string();
  const std::string state_file = (checkpoint / "state.safetensors").string();
  const StateDict weights = read_weights(model_file);
  TrainingState state = read_training_state(checkpoint);
  if (state.cursor.ranks != cursor_.ranks) {
    throw UsageError(fmt::format("{}: was begun with {} ranks, not {}; start as many, or choose another folder",
                                 folder_.path().string(), state.cursor.ranks, cursor_.ranks));
  }
  if (state.cursor.phase > phases_.size()) throw DataError(state_file + ": phase: beyond those of the config");
  cursor_ = state.cursor;
  rows_ = std::move(state.rows);
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
  begin_phase();
  if (!finished() && cursor_.phase_steps > 0) tools_->optimiser.load(state.tensors, state_file);
  const bool ends_the_best_epoch = cursor_.step_in_epoch == 0 && cursor_.best_epoch == cursor_.epoch;
  if (leads() && ends_the_best_epoch) folder_.make_last_the_best();
}

double Fit::learning_rate(std::uint64_t phase_step) const {
  const SchedulePosition position{.step = phase_step,
                                  .total_steps = steps_per_epoch_ * static_cast<std::uint64_t>(phase().epochs),
                                  .steps_per_epoch = steps_per_epoch_};
  return phase().optimiser.learning_rate * learning_rate_factor(phase().schedule, position, phase_scores());
}

std::vector<double> Fit::phase_scores() const {
  std::vector<double> scores;
  for (const EpochRow& row : rows_) {
    if (row.phase != cursor_.phase + 1 || !row.validation) continue;
    scores.push_back(validation_score(*row.validation, config_.validation.metric));
  }
  return scores;
}

torch::Tensor Fit::forward() {
  const torch::Tensor pixels = sent_to(pixels_tensor(batch_), device_);
  if (tools_->cache) {
    if (const auto features = tools_->cache->features(pixels, batch_.samples)) return tools_->cache->finish(*features);
  }
  return model_->forward(pixels);
}

// Of the batch; logits float32 [count, outputs].
torch::Tensor Fit::loss_of(const torch::Tensor& logits) {
  const torch::Tensor by_labels = tools_->loss(logits, sent_to(labels_tensor(batch_), device_));
  if (!teacher_) return by_labels;
  const torch::Tensor targets = sent_to(teacher_->probabilities(batch_, inputs_.training), device_);
  return by_labels.lerp(soft_target_cross_entropy(logits, targets), teacher_->weight());
}

// Adds the gradient of the next batch, times its number of samples where it is not a step by itself. Returns what all
// ranks saw of it.
Fit::BatchTotal Fit::add_gradients() {
  inputs_.training.next(batch_);
  torch::Tensor logits;
  {
    const PrecisionScope precision(config_.precision, device_.type());
    const NormSyncScope sync(norm_sync_ ? &norm_sync_ : nullptr);
    logits = forward();
  }
  const torch::Tensor loss = loss_of(logits.to(torch::kFloat32));
  const auto count = static_cast<double>(batch_.count);
  BatchTotal total{loss.item<double>() * count, count};
  if (inputs_.ranks != nullptr) {
    const auto sums = inputs_.ranks->add_up(std::vector<double>{total.loss_sum, total.samples});
    total = {sums[0], sums[1]};
  }
  if (!std::isfinite(total.loss_sum)) {
    throw DataError(fmt::format(
        "{}: the loss is not finite at epoch {}, step {}; lower optimiser.learning_rate or set optimiser.clip_norm",
        folder_.path().string(), cursor_.epoch + 1, cursor_.step_in_epoch + 1));
  }
  (is_part_of_a_step() ? loss * count : loss).backward();
  return total;
}

void Fit::train_step() {
  address_torch_generator(config_.seed, cursor_.steps,
                          leads() ? "dropout" : fmt::format("dropout of rank {}", inputs_.ranks->rank()));
  tools_->optimiser.zero_grad();
  const std::uint64_t first = cursor_.step_in_epoch * accumulate_;
  const std::uint64_t end = std::min<std::uint64_t>(first + accumulate_, inputs_.training.batches_per_epoch());
  BatchTotal step;
  for (std::uint64_t batch = first; batch < end; ++batch) {
    const BatchTotal total = add_gradients();
    step.loss_sum += total.loss_sum;
    step.samples += total.samples;
  }
  if (inputs_.ranks != nullptr) inputs_.ranks->add_up(tools_->optimiser.gradients());
  const double rate = learning_rate(cursor_.phase_steps);
  tools_->optimiser.step(rate, is_part_of_a_step() ? 1.0 / step.samples : 1.0);
  ++cursor_.step_in_epoch;
  ++cursor_.phase_steps;
  ++cursor_.steps;
  cursor_.loss_sum += step.loss_sum / step.samples;
  samples_shown_ += step.samples;
  if (average_) average_->update(state_dict(*model_), cursor_.steps);
  record({"train/loss", step.loss_sum / step.samples});
  record({"train/learning_rate", rate});
}

std::optional<EpochRow::Validation> Fit::validate() {
  // Running statistics of batch norm differ between ranks, and with them their mean: rank 0's are those that are kept.
  copy_from_leader(model_->buffers());
  if (average_) {
    std::vector<torch::Tensor> means;
    for (const auto& [name, tensor] : average_->tensors()) means.push_back(tensor);
    copy_from_leader(means);
  }
  if (inputs_.validation == nullptr) return std::nullopt;
  StateDict live;
  if (average_) {
    for (const auto& [name, tensor] : state_dict(*model_)) live[name] = tensor.detach().clone();
    load_state(*model_, average_->tensors(), {});
  }
  const auto predictions = grade_source(*model_, *inputs_.validation,
                                        {.flip_average = config_.validation.flip_average,
                                         .precision = config_.precision,
                                         .decoding = inputs_.grader.decoding},
                                        inputs_.ranks);
  if (average_) load_state(*model_, live, {});
  const Scores scores = score(predictions);
  return EpochRow::Validation{.accuracy = scores.accuracy,
                              .balanced_accuracy = scores.balanced_accuracy,
                              .quadratic_kappa = scores.quadratic_kappa.value_or(0.0),
                              .mean_absolute_error = scores.mean_absolute_error,
                              .log_loss = log_loss(predictions)};
}

void Fit::save(RunFolder::Rank rank) {
  if (!leads()) return;
  CheckpointParts parts{.weights = average_ ? average_->tensors() : state_dict(*model_),
                        .grader = inputs_.grader,
                        .config = config_,
                        .state = {cursor_, tools_->optimiser.state(), rows_}};
  if (average_) {
    for (const auto& [name, tensor] : state_dict(*model_)) parts.state.tensors["live." + name] = tensor;
  }
  folder_.save(cursor_.steps, rank, [&](const std::filesystem::path& folder) { write_checkpoint(folder, parts); });
}

void Fit::report_epoch(const EpochRow& row, bool best) {
  std::string line = fmt::format("epoch {}: loss {:.4f}", row.epoch, row.train_loss);
  record({"train/epoch_loss", row.train_loss});
  if (row.validation) {
    const EpochRow::Validation& scores = *row.validation;
    line += fmt::format(", val kappa {:.4f}, accuracy {:.4f}, balanced {:.4f}{}", scores.quadratic_kappa,
                        scores.accuracy, scores.balanced_accuracy, best ? " (best)" : "");
    for (const Scalar& scalar :
         {Scalar{"val/quadratic_kappa", scores.quadratic_kappa}, Scalar{"val/accuracy", scores.accuracy},
          Scalar{"val/balanced_accuracy", scores.balanced_accuracy},
          Scalar{"val/mean_absolute_error", scores.mean_absolute_error}, Scalar{"val/log_loss", scores.log_loss}}) {
      record(scalar);
    }
  }
  log_info(line);
}

void Fit::end_epoch() {
  EpochRow row{.epoch = cursor_.epoch + 1,
               .phase = cursor_.phase + 1,
               .steps = cursor_.steps,
               .learning_rate = learning_rate(cursor_.phase_steps - 1),
               .train_loss = cursor_.loss_sum / static_cast<double>(cursor_.step_in_epoch),
               .validation = validate()};
  std::optional<double> score;
  if (row.validation) score = validation_score(*row.validation, config_.validation.metric);
  const bool best = !score || !cursor_.best_score || *score > *cursor_.best_score;
  if (best) {
    cursor_.best_epoch = row.epoch;
    cursor_.best_score = score;
  }
  report_epoch(row, best);
  rows_.push_back(row);
  cursor_.epoch += 1;
  cursor_.phase_epoch += 1;
  cursor_.step_in_epoch = 0;
  cursor_.loss_sum = 0;
  end_phase_if_due();
  save(best ? RunFolder::Rank::kLastAndBest : RunFolder::Rank::kLast);
  if (cursor_.phase_epoch == 0) begin_phase();
}

void Fit::end_phase_if_due() {
  const std::uint64_t waited = epochs_since_best(phase_scores());
  const auto patience = static_cast<std::uint64_t>(config_.validation.patience);
  const bool stopped_early = patience > 0 && waited >= patience;
  if (cursor_.phase_epoch < static_cast<std::uint64_t>(phase().epochs) && !stopped_early) return;
  if (stopped_early) log_info(fmt::format("{} epochs without a new best: the phase ends", waited));
  ++cursor_.phase;
  cursor_.phase_epoch = 0;
  cursor_.phase_steps = 0;
}

FitOutcome Fit::outcome(double seconds) const {
  FitOutcome out{.epochs_done = cursor_.epoch,
                 .steps_done = cursor_.steps,
                 .best = std::nullopt,
                 .best_epoch = cursor_.best_epoch,
                 .finished = finished(),
                 .samples_per_second = seconds > 0 ? samples_shown_ / seconds : 0.0};
  for (const EpochRow& row : rows_) {
    if (row.epoch == cursor_.best_epoch) out.best = row.validation;
  }
  return out;
}

FitOutcome Fit::run(const StopRequest& stop) {
  using Clock = std::chrono::steady_clock;
  double seconds = 0;  // in training steps
  copy_from_leader(model_->parameters());
  copy_from_leader(model_->buffers());
  if (!finished() && leads()) events_ = std::make_unique<EventFile>(folder_.path(), cursor_.steps);
  while (!finished()) {
    inputs_.training.seek(cursor_.epoch, cursor_.step_in_epoch * accumulate_);
    begin_epoch();
    std::optional<ProgressBar> bar;
    if (leads()) {
      bar.emplace(fmt::format("epoch {}", cursor_.epoch + 1),
                  (steps_per_epoch_ - cursor_.step_in_epoch) * accumulate_ *
                      static_cast<std::uint64_t>(config_.data.batch_size) * cursor_.ranks,
                  "images");
    }
    const auto start = Clock::now();
    while (cursor_.step_in_epoch < steps_per_epoch_) {
      train_step();
      if (bar) {
        bar->set_note(fmt::format("loss {:.4f}", cursor_.loss_sum / static_cast<double>(cursor_.step_in_epoch)));
        bar->advance(accumulate_ * batch_.labels.size() * cursor_.ranks);
      }
      const bool epoch_ends = cursor_.step_in_epoch == steps_per_epoch_;
      const bool stopping = anywhere(stop && stop(cursor_.steps));
      const auto every = static_cast<std::uint64_t>(config_.checkpoint_every_steps);
      if (!epoch_ends && (stopping || (every > 0 && cursor_.steps % every == 0))) save(RunFolder::Rank::kLast);
      if (stopping && !epoch_ends) {
        return outcome(seconds + std::chrono::duration<double>(Clock::now() - start).count());
      }
    }
    seconds += std::chrono::duration<double>(Clock::now() - start).count();
    end_epoch();
    if (anywhere(stop && stop(cursor_.steps)) && !finished()) break;
  }
  return outcome(seconds);
}

}  // namespace

namespace {

// Throws unless the checkpoint is of the same config and shards.
void check_resumable(const TrainConfig& config, const FitInputs& inputs, const RunFolder& folder,
                     const std::filesystem::path& last) {
  const std::string name = folder.path().string();
  const TrainConfig begun = read_checkpoint_config(last);
  if (begun.teacher.predictions == config.teacher.predictions && begun.teacher.sha256 != config.teacher.sha256) {
    throw DataError(fmt::format("{}: is not the file that {} was begun with; restore it, or choose another folder",
                                config.teacher.predictions, name));
  }
  if (!(begun == config)) {
    throw UsageError(
        fmt::format("{}: was begun with another config ({}); resume with that one, or choose another folder", name,
                    (last / "train.yaml").string()));
  }
  if (read_grader_config(last).shards_sha256 != inputs.grader.shards_sha256) {
    throw DataError(name + ": was begun on other shards; resume with those, or choose another folder");
  }
}

}  // namespace

namespace {

// A forest is grown at once: where there is a checkpoint, nothing is left to do.
FitOutcome finished_forest(RunFolder& folder, const std::filesystem::path& last) {
  folder.make_last_the_best();
  const auto path = last / "metrics.csv";
  const auto rows = parse_epoch_rows(read_text_file(path), path.string());
  if (rows.empty()) throw DataError(path.string() + ": no row; the checkpoint is damaged, train again");
  return {.epochs_done = 1, .steps_done = 1, .best = rows.back().validation, .best_epoch = 1, .finished = true};
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
    if (last) check_resumable(config, inputs, folder, *last);
    if (is_forest(config.model) && inputs.ranks != nullptr) {
      throw UsageError("a random_forest grows in one process; start genu without a launcher");
    }
    if (is_forest(config.model)) return last ? finished_forest(folder, *last) : fit_forest(config, inputs, folder);
    Fit run(config, inputs, folder, last ? RunMode::kResume : RunMode::kFresh);
    if (last) run.restore(*last);
    return run.run(stop);
  });
}

}  // namespace genu::train
