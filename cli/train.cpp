#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/commands.h"
#include "cli/training_options.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/run_record.h"
#include "train/distributed/launch.h"
#include "train/distributed/ranks.h"
#include "train/loop/device.h"
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

int train_on_shards(const TrainingOptions& options, int rank_timeout_s, const TrainConfig& config,
                    const std::vector<std::string>& arguments) {
  RunRecord record(arguments, to_yaml(config));
  const train::Launch launch = train::read_launch();
  // The ranks of one machine share its processors.
  const unsigned share = std::max(1U, std::thread::hardware_concurrency() / static_cast<unsigned>(launch.local_size));
  const int threads = options.threads == 0 && !launch.is_alone() ? static_cast<int>(share) : options.threads;
  train::prepare_tensor_runtime(threads);
  std::unique_ptr<train::Ranks> ranks;
  if (!launch.is_alone()) {
    if (!launch.leads()) set_log_level(LogLevel::kError);
    ranks = train::Ranks::join(launch, {.timeout = std::chrono::seconds(rank_timeout_s),
                                        .device = train::device_of(config.device, launch.local_rank)});
    log_info(fmt::format("{} ranks, started by {}", launch.world_size, launch.launcher));
  }
  catch_stop_signals();
  std::shared_ptr<const pipeline::ShardSet> shards;
  const train::FitOutcome outcome = train::told(ranks.get(), [&] {
    if (launch.leads()) add_training_inputs(record, config);
    shards = pipeline::ShardSet::open(options.shards);
    // What torchrun starts again goes on where it was.
    const bool resumes = options.resume || launch.restarts > 0;
    return train::run_training(config, shards,
                               {.folder = options.folder,
                                .mode = resumes ? train::RunMode::kResume : train::RunMode::kFresh,
                                .threads = threads,
                                .ranks = ranks.get(),
                                .samples = std::nullopt},
                               [](std::uint64_t) { return stop_signal() != 0; });
  });
  const int exit_code = outcome.finished ? 0 : 128 + std::max(stop_signal(), 1);
  if (!launch.leads()) return exit_code;
  if (ranks) record.add_result("ranks", fmt::format("{}", ranks->size()));
  record.add_input(options.shards, shards->index_sha256());
  record.add_library("torch", train::tensor_library_version());
  record.add_result("images_per_second", fmt::format("{:.1f}", outcome.samples_per_second));
  if (outcome.best) record.add_result("best_quadratic_kappa", fmt::format("{}", outcome.best->quadratic_kappa));
  record.write_beside(options.folder);
  print_outcome(outcome, options);
  return exit_code;
}

int run(const std::vector<std::string>& arguments) {
  TrainingOptions options;
  CLI::App app("Fits a grader on shards. RUN/best and RUN/last are its checkpoints.", "train");
  add_training_options(app, options);
  app.add_option("--out", options.folder, "folder of the run: checkpoints, best and last")->type_name("RUN");
  app.add_flag("--resume", options.resume, "go on from RUN/last; starts where there is none");
  int rank_timeout_s = 600;
  app.add_option(
         "--rank-timeout", rank_timeout_s,
         "seconds after which a rank that does not answer is taken for lost; see docs/training.md, Several processes")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  if (!parse(app, arguments, options.common)) return 0;
  const TrainConfig config = resolve_training(options);
  if (is_answered(options, config)) return 0;
  return train_on_shards(options, rank_timeout_s, config, arguments);
}

}  // namespace

Command train_command() { return {"train", "", run}; }

}  // namespace genu::cli
