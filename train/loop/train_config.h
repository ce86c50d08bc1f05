// Everything that decides what a training run computes. Threads and paths are not here: they decide how fast and where.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "pipeline/loader/loader.h"
#include "train/forest/forest_config.h"
#include "train/loop/schedule.h"
#include "train/losses/loss_config.h"
#include "train/models/freeze.h"
#include "train/models/registry.h"
#include "train/weights/load_options.h"

namespace genu::train {

struct InitConfig {
  std::string weights;  // file, or "" for weights drawn from the seed
  HeadPolicy head = HeadPolicy::kSwap;
  void list_fields(FieldList& fields);
  bool operator==(const InitConfig&) const = default;
};

enum class SourceChoice : std::uint8_t { kAll, kSynthetic, kReal };
enum class SplitChoice : std::uint8_t { kNone, kVal, kTest };

// Of an epoch, where it is not full.
enum class LastBatch : std::uint8_t { kDrop, kKeep };

// What the network is shown in training.
struct DataConfig {
  int batch_size = 32;
  int size_px = 0;  // 0 = the network's own
  pipeline::RowBand rows = {};
  pipeline::Normalisation normalisation = pipeline::Normalisation::kPerImage;
  pipeline::SamplingPolicy sampling = pipeline::SamplingPolicy::kAsIs;
  double effective_number_beta = 0.999;
  pipeline::AugmentConfig augment = {};
  SourceChoice source = SourceChoice::kAll;
  pipeline::Variants variants = pipeline::Variants::kOriginals;
  double real_subject_share = 1;  // 0 < share <= 1
  int limit_samples = 0;          // 0 = all
  int accumulate = 1;
  LastBatch last_batch = LastBatch::kDrop;
  void list_fields(FieldList& fields);
  bool operator==(const DataConfig&) const = default;
};

// The score that the best checkpoint, early stopping and the plateau schedule go by.
enum class ScoreChoice : std::uint8_t { kQuadraticKappa, kAccuracy, kBalancedAccuracy, kMeanAbsoluteError, kLogLoss };

// What it is checked on after each epoch, and how it is evaluated.
struct ValidationConfig {
  SplitChoice split = SplitChoice::kVal;
  SourceChoice source = SourceChoice::kAll;
  bool flip_average = true;
  int batch_size = 64;
  ScoreChoice metric = ScoreChoice::kQuadraticKappa;
  int patience = 0;  // 0 = off
  void list_fields(FieldList& fields);
  bool operator==(const ValidationConfig&) const = default;
};

enum class OptimiserKind : std::uint8_t { kSgd, kAdam, kAdamW };

// The rate of the parameters under `prefix` divided by the peak rate.
struct RateGroup {
  std::string prefix;
  double multiplier = 1.0;
  void list_fields(FieldList& fields);
  bool operator==(const RateGroup&) const = default;
};

struct OptimiserConfig {
  OptimiserKind kind = OptimiserKind::kAdamW;
  double learning_rate = 1e-3;
  double head_multiplier = 1.0;
  std::vector<RateGroup> groups = {};
  double weight_decay = 0.0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum = 0.9;   // SGD
  bool nesterov = false;   // SGD
  double clip_norm = 0.0;  // 0 = off
  void list_fields(FieldList& fields);
  bool operator==(const OptimiserConfig&) const = default;
};

// Targets beside the labels: what other graders said about the training samples.
struct TeacherConfig {
  std::string predictions;  // predictions.csv of genu evaluate, or "" for none
  double weight = 0.5;      // 0 .. 1, of their probabilities; the rest is that of the loss on labels
  std::string sha256;       // of the file, or "" before the run has begun
  void list_fields(FieldList& fields);
  bool operator==(const TeacherConfig&) const = default;
};

enum class DeviceChoice : std::uint8_t { kAuto, kCpu, kCuda };
// What configs and --device call them.
std::vector<std::pair<std::string, DeviceChoice>> device_words();

enum class Precision : std::uint8_t { kFp32, kBf16, kAuto };
// kAuto becomes bf16 on a GPU and where the processor multiplies in it (AVX-512 BF16), and fp32 elsewhere, where bf16
// is emulated and a step takes some ten times as long. A run stores what it became, so that going on elsewhere is
// refused, not different.
Precision resolved(Precision precision, DeviceChoice device = DeviceChoice::kCpu);

// One stretch of training with its own rules; its optimiser starts fresh.
struct PhaseConfig {
  int epochs = 10;
  FreezeConfig freeze = {};
  LossConfig loss = {};
  OptimiserConfig optimiser = {};
  ScheduleConfig schedule = {};
  void list_fields(FieldList& fields);
  bool operator==(const PhaseConfig&) const = default;
};

struct TrainConfig {
  std::uint64_t seed = 0;
  int epochs = 10;
  DeviceChoice device = DeviceChoice::kAuto;
  Precision precision = Precision::kFp32;
  double ema_decay = 0.0;          // 0 = off
  int checkpoint_every_steps = 0;  // 0 = at the end of each epoch only
  bool sync_batch_norm = true;     // with several ranks
  ModelConfig model;
  InitConfig init;
  FreezeConfig freeze;
  ForestConfig forest;  // with model.name: random_forest, in place of what concerns networks
  DataConfig data;
  LossConfig loss;
  TeacherConfig teacher;
  OptimiserConfig optimiser;
  ScheduleConfig schedule;
  std::vector<PhaseConfig> phases = {};  // in place of epochs, freeze, loss, optimiser and schedule
  ValidationConfig validation;
  void list_fields(FieldList& fields);
  bool operator==(const TrainConfig&) const = default;
};

// Throws ConfigError where keys contradict each other: what phases_of() throws, initial weights of a
// forest, and a teacher of what is no softmax.
void check_config(const TrainConfig& config);

// The phases of a run: those listed, or the one that the config itself describes. Throws ConfigError if both are given,
// or if the losses of the phases read the network's outputs in different ways or do not fit its head.
std::vector<PhaseConfig> phases_of(const TrainConfig& config);

}  // namespace genu::train
