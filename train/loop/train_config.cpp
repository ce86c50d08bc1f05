#include "train/loop/train_config.h"

#include <fmt/format.h>

#include "core/errors.h"

namespace genu::train {

namespace {

const std::vector<std::pair<std::string, SourceChoice>> kSourceWords = {
    {"all", SourceChoice::kAll}, {"synthetic", SourceChoice::kSynthetic}, {"real", SourceChoice::kReal}};

}  // namespace

void InitConfig::list_fields(FieldList& fields) {
  fields.add("weights", weights, "safetensors or .pth file to start from; empty = drawn from the seed");
  fields.choice("head", head, {{"must_match", HeadPolicy::kMustMatch}, {"swap", HeadPolicy::kSwap}},
                "whether a head of another size in that file is an error or replaced by a fresh one");
}

Precision resolved(Precision precision, DeviceChoice device) {
  if (precision != Precision::kAuto) return precision;
  if (device == DeviceChoice::kCuda) return Precision::kBf16;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return Precision::kBf16;
#endif
  return Precision::kFp32;
}

void DataConfig::list_fields(FieldList& fields) {
  using pipeline::SamplingPolicy;
  fields.add("batch_size", batch_size, Range{1, 65536}, "samples a step; with several ranks, of each");
  fields.add("size_px", size_px, Range{0, 4096},
             "width of the network input, and its height before rows are cut out; 0 = the network's own");
  fields.section("rows", rows, "the part of the height that is shown; for networks that take any side");
  fields.choice(
      "normalisation", normalisation, pipeline::normalisation_words(),
      "grey levels to network input: 0..1; each image's own mean and SD; the training set's; -1..1; ImageNet's");
  fields.choice("sampling", sampling,
                {{"as_is", SamplingPolicy::kAsIs},
                 {"class_balanced", SamplingPolicy::kClassBalanced},
                 {"square_root", SamplingPolicy::kSquareRoot},
                 {"effective_number", SamplingPolicy::kEffectiveNumber}},
                "how often each grade is shown");
  fields.add("effective_number_beta", effective_number_beta, Range{0.0, 0.999999}, "with sampling effective_number");
  fields.section("augment", augment, "drawn anew for each sample and epoch");
  fields.choice("source", source, kSourceWords, "which samples of the train split");
  fields.choice("variants", variants,
                {{"originals", pipeline::Variants::kOriginals}, {"all", pipeline::Variants::kAll}},
                "whether baked augmented variants are shown too");
  fields.add("real_subject_share", real_subject_share, Range{0.0001, 1.0},
             "share of the real subjects that is shown, drawn by seed, grades in proportion; synthetic knees all stay");
  fields.add("limit_samples", limit_samples, Range{0, 1 << 30}, "keep this many, grades in turn; 0 = all");
  fields.add("accumulate", accumulate, Range{1, 65536},
             "batches whose gradients are averaged for one step; batch norm sees each batch alone");
  fields.choice(
      "last_batch", last_batch, {{"drop", LastBatch::kDrop}, {"keep", LastBatch::kKeep}},
      "of an epoch, where it is not full: left out, because a few samples give batch norm poor statistics, or "
      "shown");
}

void ValidationConfig::list_fields(FieldList& fields) {
  fields.choice("split", split,
                {{"none", SplitChoice::kNone}, {"val", SplitChoice::kVal}, {"test", SplitChoice::kTest}},
                "checked after each epoch; the best checkpoint is chosen on it; none = the last is the best");
  fields.choice("source", source, kSourceWords, "which samples of that split");
  fields.add("flip_average", flip_average, "average the probabilities of each image and its mirror image");
  fields.add("batch_size", batch_size, Range{1, 65536}, "samples graded at once; changes memory and speed only");
  fields.choice("metric", metric,
                {{"quadratic_kappa", ScoreChoice::kQuadraticKappa},
                 {"accuracy", ScoreChoice::kAccuracy},
                 {"balanced_accuracy", ScoreChoice::kBalancedAccuracy},
                 {"mean_absolute_error", ScoreChoice::kMeanAbsoluteError},
                 {"log_loss", ScoreChoice::kLogLoss}},
                "what the best checkpoint, patience and the schedule plateau go by");
  fields.add("patience", patience, Range{0, 1000000},
             "end a phase after this many epochs without a new best; 0 = never");
}

void TeacherConfig::list_fields(FieldList& fields) {
  fields.add("predictions", predictions,
             "predictions.csv of genu evaluate over the training samples, whose probabilities are targets beside the "
             "labels; empty = none");
  fields.add("weight", weight, Range{0.0, 1.0},
             "of the cross-entropy against these probabilities; the loss on labels has the rest");
  fields.add("sha256", sha256, "of that file; a run fills it in");
}

void OptimiserConfig::list_fields(FieldList& fields) {
  fields.choice("kind", kind,
                {{"sgd", OptimiserKind::kSgd}, {"adam", OptimiserKind::kAdam}, {"adamw", OptimiserKind::kAdamW}},
                "sgd and adam (weight decay joins the gradient) or adamw (decoupled)");
  fields.add("learning_rate", learning_rate, Range{0.0, 100.0}, "peak rate of the feature blocks");
  fields.add("head_multiplier", head_multiplier, Range{0.0, 1000.0}, "the head's rate divided by the features' rate");
  fields.items("groups", groups, "other rates for parts of the network: {prefix, multiplier}; the longest prefix wins");
  fields.add("weight_decay", weight_decay, Range{0.0, 10.0},
             "on weights of two or more dimensions, not on norms and biases");
  fields.add("beta1", beta1, Range{0.0, 0.9999}, "decay of the gradient's running mean");
  fields.add("beta2", beta2, Range{0.0, 0.999999}, "decay of the squared gradient's running mean");
  fields.add("epsilon", epsilon, Range{0.0, 1.0}, "added to the root of the squared gradient");
  fields.add("momentum", momentum, Range{0.0, 0.9999}, "sgd: decay of the velocity");
  fields.add("nesterov", nesterov, "sgd: look ahead along the velocity (Nesterov)");
  fields.add("clip_norm", clip_norm, Range{0.0, 1e9}, "largest norm of the whole gradient; 0 = no clipping");
}

void RateGroup::list_fields(FieldList& fields) {
  fields.add("prefix", prefix, "of parameter names");
  fields.add("multiplier", multiplier, Range{0.0, 1000.0}, "their rate divided by the peak rate");
}

void PhaseConfig::list_fields(FieldList& fields) {
  fields.add("epochs", epochs, Range{1, 1000000}, "passes over the training samples");
  fields.section("freeze", freeze, "which parts learn");
  fields.section("loss", loss, "what is minimised");
  fields.section("optimiser", optimiser, "how");
  fields.section("schedule", schedule, "the learning rate over the phase");
}

void TrainConfig::list_fields(FieldList& fields) {
  fields.add("seed", seed, Range<std::uint64_t>{}, "of initial weights, order, augmentation and dropout");
  fields.add("epochs", epochs, Range{1, 1000000}, "passes over the training samples");
  fields.choice("device", device, device_words(), "auto = a CUDA GPU where there is one, else the processor");
  fields.choice("precision", precision,
                {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}, {"auto", Precision::kAuto}},
                "arithmetic of convolutions and products; weights and the loss stay fp32; auto = bf16 where the "
                "processor multiplies in it, else fp32");
  fields.add("ema_decay", ema_decay, Range{0.0, 0.999999},
             "keep a running mean of the weights and grade with it; 0 = off");
  fields.add("checkpoint_every_steps", checkpoint_every_steps, Range{0, 1 << 30},
             "save within epochs too; 0 = at their ends");
  fields.add("sync_batch_norm", sync_batch_norm,
             "with several ranks: batch norm takes its statistics over all of them, as one process would; false = each "
             "over its own part of the batch, which is faster");
  fields.section("model", model, "the network");
  fields.section("init", init, "initial weights");
  fields.section("freeze", freeze, "which parts learn");
  fields.section("forest", forest, "with model.name: random_forest, in place of what concerns networks");
  fields.section("data", data, "what is shown");
  fields.section("loss", loss, "what is minimised");
  fields.section("teacher", teacher, "targets beside the labels, in every phase");
  fields.section("optimiser", optimiser, "how");
  fields.section("schedule", schedule, "the learning rate over the run");
  fields.items(
      "phases", phases,
      "phases one after the other, each with its own epochs, freeze, loss, optimiser and schedule, in place of "
      "those above");
  fields.section("validation", validation, "how it is judged");
}

std::vector<std::pair<std::string, DeviceChoice>> device_words() {
  return {{"auto", DeviceChoice::kAuto}, {"cpu", DeviceChoice::kCpu}, {"cuda", DeviceChoice::kCuda}};
}

void check_config(const TrainConfig& config) {
  if (is_forest(config.model) && !config.init.weights.empty()) {
    throw ConfigError("init.weights: a random_forest is grown anew and takes none; leave it empty");
  }
  const pipeline::RowBand& rows = config.data.rows;
  if (!(rows.last > rows.first)) throw ConfigError("data.rows: last must be greater than first");
  const bool any_side = !is_forest(config.model) && input_spec(config.model).sides == InputSpec::Sides::kAny;
  if (!any_side && !(rows == pipeline::RowBand{})) {
    throw ConfigError(
        fmt::format("data.rows: {} takes whole pictures only; leave first at 0 and last at 1", config.model.name));
  }
  const Decoding decoding = decoding_of(phases_of(config).front().loss.kind);
  if (!config.teacher.predictions.empty() && (is_forest(config.model) || decoding != Decoding::kSoftmax)) {
    throw ConfigError(
        "teacher.predictions: a teacher is for networks with one output a grade; leave it empty for random_forest and "
        "the losses corn and cumulative");
  }
}

std::vector<PhaseConfig> phases_of(const TrainConfig& config) {
  const PhaseConfig single{config.epochs, config.freeze, config.loss, config.optimiser, config.schedule};
  if (!config.phases.empty() && !(single == PhaseConfig{})) {
    throw ConfigError("phases: epochs, freeze, loss, optimiser and schedule stand in each phase, not beside them");
  }
  const std::vector<PhaseConfig> phases = config.phases.empty() ? std::vector{single} : config.phases;
  const Decoding decoding = decoding_of(phases.front().loss.kind);
  for (const PhaseConfig& phase : phases) {
    if (decoding_of(phase.loss.kind) != decoding) {
      throw ConfigError(
          "phases: corn, cumulative and the other losses read the outputs in different ways; keep to one");
    }
  }
  if ((decoding == Decoding::kSoftmax) == (config.model.head == HeadChoice::kOrdinal)) {
    throw ConfigError(decoding == Decoding::kSoftmax
                          ? "loss.kind: the head 'ordinal' needs the loss corn or cumulative"
                          : "model.head: the losses corn and cumulative need the head 'ordinal'");
  }
  return phases;
}

}  // namespace genu::train
