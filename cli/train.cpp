#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/training_options.h"
#include "core/hash.h"
#include "core/run_record.h"
#include "train/loop/tensor_runtime.h"
#include "train/loop/training_run.h"

namespace genu::cli {

namespace {

using train::TrainConfig;

void print_outcome(const train::FitOutcome& outcome, const TrainingOptions& options) {
  if (options.common.json) {
    nlohmann::ordered_json json = {{"run", options.folder},
                                   {"finished", outcome.finished},
                                   {"epochs", outcome.epochs_done},
                                   {"steps", outcome.steps_done},
                                   {"best_epoch", outcome.best_epoch}};
    json["best_quadratic_kappa"] = outcome.best ? nlohmann::ordered_json(outcome.best->quadratic_kappa) : nullptr;
    std::puts(json.dump().c_str());
    return;
  }
  std::string line = fmt::format("{}: {} epochs, {} steps, {:.1f} images/s in training", options.folder,
                                 outcome.epochs_done, outcome.steps_done, outcome.samples_per_second);
  if (outcome.best) {
    line +=
        fmt::format("; best after epoch {}: quadratic kappa {:.4f}", outcome.best_epoch, outcome.best->quadratic_kappa);
  }
  if (!outcome.finished) line += "; stopped early, --resume goes on";
  std::puts(line.c_str());
}

int train_on_shards(const TrainingOptions& options, const TrainConfig& config,
                    const std::vector<std::string>& arguments) {
  RunRecord record(arguments, to_yaml(config));
  train::prepare_tensor_runtime(options.threads);
  const auto shards = pipeline::ShardSet::open(options.shards);
  catch_stop_signals();
  const train::FitOutcome outcome =
      train::run_training(config, shards,
                          {.folder = options.folder,
                           .mode = options.resume ? train::RunMode::kResume : train::RunMode::kFresh,
                           .threads = options.threads,
                           .samples = std::nullopt},
                          [](std::uint64_t) { return stop_signal() != 0; });
  record.add_input(options.shards, shards->index_sha256());
  if (!config.init.weights.empty()) record.add_input(config.init.weights, to_hex(sha256_file(config.init.weights)));
  record.add_library("torch", train::tensor_library_version());
  record.add_result("images_per_second", fmt::format("{:.1f}", outcome.samples_per_second));
  if (outcome.best) record.add_result("best_quadratic_kappa", fmt::format("{}", outcome.best->quadratic_kappa));
  record.write(options.folder + ".run.json");
  print_outcome(outcome, options);
  return outcome.finished ? 0 : 128 + stop_signal();
}

int run(const std::vector<std::string>& arguments) {
  TrainingOptions options;
  CLI::App app("Fits a grader on shards. RUN/best and RUN/last are its checkpoints.", "train");
  add_training_options(app, options);
  app.add_option("--out", options.folder, "folder of the run: checkpoints, best and last")->type_name("RUN");
  app.add_flag("--resume", options.resume, "go on from RUN/last; starts where there is none");
  if (!parse(app, arguments, options.common)) return 0;
  const TrainConfig config = resolve_training(options);
  if (is_answered(options, config)) return 0;
  return train_on_shards(options, config, arguments);
}

}  // namespace

Command train_command() { return {"train", "", run}; }

}  // namespace genu::cli
