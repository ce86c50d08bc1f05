#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/run_record.h"
#include "train/loop/batch_source.h"
#include "train/loop/fit.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_runtime.h"
#include "train/models/registry.h"

namespace genu::cli {

namespace {

using train::TrainConfig;

struct Options {
  CommonOptions common;
  std::string shards;
  std::string run_folder;
  std::string init;
  bool resume = false;
  int epochs = 0;
  int limit = 0;
  int threads = 0;
};

void describe(CLI::App& app, Options& options) {
  add_config_options(app, options.common);
  add_output_options(app, options.common);
  app.add_option("--shards", options.shards, "folder with shards.json")->type_name("DIR");
  app.add_option("--out", options.run_folder, "folder of the run: checkpoints, best and last")->type_name("RUN");
  app.add_flag("--resume", options.resume, "go on from RUN/last; starts where there is none");
  app.add_option("--init", options.init, "initial weights, safetensors or .pth (as --set init.weights=FILE)")
      ->type_name("FILE");
  app.add_option("--epochs", options.epochs, "as --set epochs=N, in every phase")->check(CLI::Range(1, 1000000));
  app.add_option("--limit", options.limit, "train on N samples only (as --set data.limit_samples=N)")
      ->check(CLI::Range(1, 1 << 30));
  app.add_option("--threads", options.threads, "processor threads, 0 = all; resume with as many for the same bits")
      ->check(CLI::Range(0, 1024));
}

TrainConfig resolve(const Options& options) {
  auto config = load_config<TrainConfig>(options.common.config, options.common.overrides);
  if (!options.init.empty()) config.init.weights = options.init;
  if (options.epochs > 0) {
    config.epochs = config.phases.empty() ? options.epochs : config.epochs;
    for (train::PhaseConfig& phase : config.phases) phase.epochs = options.epochs;
  }
  if (options.limit > 0) config.data.limit_samples = options.limit;
  config.precision = train::resolved(config.precision);
  return config;
}

// The only thing a signal may touch.
volatile std::sig_atomic_t stop_signal = 0;
void note_signal(int signal_number) { stop_signal = signal_number; }

// A signal that the caller had ignored (nohup, a background job of a script) stays ignored.
void stop_on(int signal_number) {
  if (std::signal(signal_number, note_signal) == SIG_IGN) std::signal(signal_number, SIG_IGN);
}

train::GraderConfig grader_config(const TrainConfig& config, const pipeline::ShardSet& shards) {
  train::GraderConfig grader;
  grader.model = config.model;
  grader.size_px = train::input_side_px(config.model, config.data.size_px);
  grader.normalisation = config.data.normalisation;
  grader.mean_grey = shards.training_pixels().mean_grey;
  grader.sd_grey = shards.training_pixels().sd_grey;
  grader.decoding = train::decoding_of(train::phases_of(config).front().loss.kind);
  grader.flip_average = config.validation.flip_average;
  grader.preprocess = shards.preprocess_yaml();
  grader.shards_sha256 = shards.index_sha256();
  return grader;
}

std::unique_ptr<train::BatchSource> validation_source(const std::shared_ptr<const pipeline::ShardSet>& shards,
                                                      const TrainConfig& config, const train::SourceOptions& options) {
  if (config.validation.split == train::SplitChoice::kNone) return nullptr;
  const auto split =
      config.validation.split == train::SplitChoice::kVal ? pipeline::Split::kVal : pipeline::Split::kTest;
  return train::evaluation_source(shards,
                                  {.split = split,
                                   .source = config.validation.source,
                                   .limit_samples = config.data.limit_samples,
                                   .batch_size = config.validation.batch_size},
                                  config.data.normalisation, options);
}

void print_outcome(const train::FitOutcome& outcome, const Options& options) {
  if (options.common.json) {
    nlohmann::ordered_json json = {{"run", options.run_folder},
                                   {"finished", outcome.finished},
                                   {"epochs", outcome.epochs_done},
                                   {"steps", outcome.steps_done},
                                   {"best_epoch", outcome.best_epoch}};
    json["best_quadratic_kappa"] = outcome.best ? nlohmann::ordered_json(outcome.best->quadratic_kappa) : nullptr;
    std::puts(json.dump().c_str());
    return;
  }
  std::string line = fmt::format("{}: {} epochs, {} steps, {:.1f} images/s in training", options.run_folder,
                                 outcome.epochs_done, outcome.steps_done, outcome.samples_per_second);
  if (outcome.best) {
    line +=
        fmt::format("; best after epoch {}: quadratic kappa {:.4f}", outcome.best_epoch, outcome.best->quadratic_kappa);
  }
  if (!outcome.finished) line += "; stopped early, --resume goes on";
  std::puts(line.c_str());
}

int run_training(const Options& options, const TrainConfig& config, const std::vector<std::string>& arguments) {
  RunRecord record(arguments, to_yaml(config));
  train::prepare_tensor_runtime(options.threads);
  const auto shards = pipeline::ShardSet::open(options.shards);
  const train::GraderConfig grader = grader_config(config, *shards);
  const train::SourceOptions source{.size_px = grader.size_px, .seed = config.seed, .threads = options.threads};
  const auto training = train::training_source(shards, config.data, source);
  const auto validation = validation_source(shards, config, source);
  log_info(fmt::format("{}: {} training samples an epoch, {} to validate", config.model.name,
                       training->samples_per_epoch(), validation ? validation->samples_per_epoch() : 0));
  train::RunFolder folder(options.run_folder);
  stop_on(SIGINT);
  stop_on(SIGTERM);
  const train::FitOutcome outcome =
      train::fit(config, {.training = *training, .validation = validation.get(), .grader = grader}, folder,
                 options.resume ? train::RunMode::kResume : train::RunMode::kFresh,
                 [](std::uint64_t) { return stop_signal != 0; });
  record.add_input(options.shards, shards->index_sha256());
  if (!config.init.weights.empty()) record.add_input(config.init.weights, to_hex(sha256_file(config.init.weights)));
  record.add_library("torch", train::tensor_library_version());
  record.add_result("images_per_second", fmt::format("{:.1f}", outcome.samples_per_second));
  if (outcome.best) record.add_result("best_quadratic_kappa", fmt::format("{}", outcome.best->quadratic_kappa));
  record.write(options.run_folder + ".run.json");
  print_outcome(outcome, options);
  return outcome.finished ? 0 : 128 + static_cast<int>(stop_signal);
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Fits a grader on shards. RUN/best and RUN/last are its checkpoints.", "train");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  TrainConfig defaults;
  if (options.common.help_config) {
    std::fputs(help_text(list_fields(defaults)).c_str(), stdout);
    return 0;
  }
  const TrainConfig config = resolve(options);
  if (options.common.print_config) {
    std::fputs(to_yaml(config).c_str(), stdout);
    return 0;
  }
  if (options.shards.empty() || options.run_folder.empty()) {
    throw UsageError("--shards and --out are required (see `genu train --help`)");
  }
  while (options.run_folder.size() > 1 && options.run_folder.back() == '/') options.run_folder.pop_back();
  return run_training(options, config, arguments);
}

}  // namespace

Command train_command() { return {"train", "", run}; }

}  // namespace genu::cli
