// genu crossval: k folds, repeated runs.
#include <cstdio>

#include "cli/commands.h"
#include "cli/training_options.h"
#include "core/errors.h"
#include "core/hash.h"
#include "core/run_record.h"
#include "train/distributed/launch.h"
#include "train/loop/study.h"
#include "train/loop/tensor_runtime.h"

namespace genu::cli {

namespace {

struct Options {
  TrainingOptions training;
  train::StudyConfig study;
  int repeats = 1;
};

void describe(CLI::App& app, Options& options) {
  add_training_options(app, options.training);
  app.add_option("--out", options.training.folder, "folder of the study")->type_name("DIR");
  app.add_flag("--resume", options.training.resume, "keep what is done and go on; starts where there is nothing");
  app.add_option("--folds", options.study.folds, "each fold is held out once; 0 = no folds, the shards' own splits")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "do it N times: training seeds and folds change from one to the next")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--pool", options.study.pool, "with folds: splits of the shards whose samples are parted")
      ->delimiter(',')
      ->check(CLI::IsMember({"train", "val", "test"}))
      ->capture_default_str();
  app.add_option("--graded", options.study.graded, "without folds: the split that each run is judged on")
      ->check(CLI::IsMember({"val", "test"}))
      ->capture_default_str();
  app.add_option("--fold-seed", options.study.fold_seed, "another seed, other folds")->capture_default_str();
  app.add_option("--bootstrap", options.study.bootstrap, "replicates of the reports' intervals; 0 = no intervals")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
}

int run_on_shards(Options& options, const std::vector<std::string>& arguments) {
  const TrainingOptions& training = options.training;
  if (!train::read_launch().is_alone()) {
    throw UsageError("crossval runs in one process; start it without a launcher, or each fold's genu train with one");
  }
  train::prepare_tensor_runtime(training.threads);
  const auto shards = pipeline::ShardSet::open(training.shards);
  options.study.shards_sha256 = shards->index_sha256();
  RunRecord record(arguments, to_yaml(options.study));
  catch_stop_signals();
  add_training_inputs(record, options.study.training);
  const train::StudyOutcome outcome =
      train::run_study(options.study, shards,
                       {.folder = training.folder,
                        .mode = training.resume ? train::RunMode::kResume : train::RunMode::kFresh,
                        .repeats = options.repeats,
                        .threads = training.threads},
                       [](std::uint64_t) { return stop_signal() != 0; });
  if (!outcome.finished) {
    std::puts((training.folder + ": stopped early, --resume goes on").c_str());
    return 128 + stop_signal();
  }
  record.add_input(training.shards, shards->index_sha256());
  record.add_library("torch", train::tensor_library_version());
  record.write_beside(training.folder);
  const std::string text = training.common.json ? train::study_summary_json(options.study, outcome.rows)
                                                : train::study_summary_text(outcome.rows);
  std::fputs(text.c_str(), stdout);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app(
      "Trains and judges again and again: k folds, stratified by grade and grouped by subject, or repeated runs.",
      "crossval");
  describe(app, options);
  if (!parse(app, arguments, options.training.common)) return 0;
  options.study.training = resolve_training(options.training);
  if (is_answered(options.training, options.study.training)) return 0;
  return run_on_shards(options, arguments);
}

}  // namespace

Command crossval_command() { return {"crossval", "", run}; }

}  // namespace genu::cli
