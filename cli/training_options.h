// What `genu train` and `genu crossval` have in common.
#pragma once

#include <string>

#include "cli/command.h"
#include "core/run_record.h"
#include "train/loop/train_config.h"

namespace genu::cli {

struct TrainingOptions {
  CommonOptions common;
  std::string shards;
  std::string folder;
  std::string init;
  bool resume = false;
  int epochs = 0;
  int limit = 0;
  int threads = 0;
};

void add_training_options(CLI::App& app, TrainingOptions& options);

// The config of the file with what the command line sets. Throws ConfigError, IoError.
train::TrainConfig resolve_training(const TrainingOptions& options);

// Answers --help-config and --print-config; true if that was all. Throws UsageError if shards or folder are missing.
bool is_answered(TrainingOptions& options, const train::TrainConfig& config);

// Hashes of the files that training starts from, as they are now. Initial weights that are gone are left out: a run
// that goes on needs none.
void add_training_inputs(RunRecord& record, const train::TrainConfig& config);

// From now on SIGINT and SIGTERM are noted, not obeyed. A signal that the caller had ignored (nohup, a background job
// of a script) stays ignored.
void catch_stop_signals();
// The signal that came, 0 if none has.
int stop_signal();

}  // namespace genu::cli
