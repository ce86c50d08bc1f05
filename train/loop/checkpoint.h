// A checkpoint folder:
//   model.safetensors   the weights that grade (their running mean, with EMA), torchvision's names
//   grader.yaml         GraderConfig: how to turn a film into the network's input
//   state.safetensors   what training needs to go on: optimiser, live weights with EMA, cursor
//   train.yaml          the resolved TrainConfig
//   metrics.csv         one row an epoch, from the first
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/loop/grader_config.h"
#include "train/loop/train_config.h"
#include "train/models/grader_model.h"
#include "train/weights/state_dict.h"

namespace genu::train {

// Scores of one finished epoch. Nothing here depends on the clock.
struct EpochRow {
  std::uint64_t epoch = 0;  // from 1
  std::uint64_t phase = 1;  // from 1
  std::uint64_t steps = 0;  // done so far
  double learning_rate = 0;
  double train_loss = 0;
  struct Validation {
    double accuracy = 0;
    double balanced_accuracy = 0;
    double quadratic_kappa = 0;  // 0 where it is not defined
    double mean_absolute_error = 0;
    double log_loss = 0;  // mean of -log p of the right grade
    bool operator==(const Validation&) const = default;
  };
  std::optional<Validation> validation;
  bool operator==(const EpochRow&) const = default;
};

// The chosen score, turned so that higher is better.
double validation_score(const EpochRow::Validation& validation, ScoreChoice choice);

// Exact round trip: numbers print in the shortest form that reads back to the same value.
std::string epoch_rows_csv(const std::vector<EpochRow>& rows);
std::vector<EpochRow> parse_epoch_rows(const std::string& text, const std::string& origin);

// Where a run stands.
struct Cursor {
  std::uint64_t epoch = 0;           // the one under way, from 0
  std::uint64_t step_in_epoch = 0;   // steps done in it
  std::uint64_t steps = 0;           // steps done in all
  std::uint64_t phase = 0;           // the one under way, from 0; the number of phases when all are done
  std::uint64_t phase_epoch = 0;     // epochs done in it
  std::uint64_t phase_steps = 0;     // steps done in it
  double loss_sum = 0;               // over step_in_epoch steps
  std::optional<double> best_score;  // by validation.metric, higher is better
  std::uint64_t best_epoch = 0;      // from 1; 0 while there is none
  std::uint64_t ranks = 1;           // that step together
  bool operator==(const Cursor&) const = default;
};

struct TrainingState {
  Cursor cursor;
  StateDict tensors;  // of the optimiser, and "live.NAME" with EMA
  std::vector<EpochRow> rows;
};

struct CheckpointParts {
  StateDict weights;
  GraderConfig grader;
  TrainConfig config;
  TrainingState state;
};

// Throws IoError.
void write_checkpoint(const std::filesystem::path& folder, const CheckpointParts& parts);

// Throw IoError if a file cannot be read, DataError if it is damaged or does not fit.
TrainConfig read_checkpoint_config(const std::filesystem::path& folder);
GraderConfig read_grader_config(const std::filesystem::path& folder);
TrainingState read_training_state(const std::filesystem::path& folder);
std::shared_ptr<GraderModel> read_model(const std::filesystem::path& folder, const GraderConfig& grader);

}  // namespace genu::train
