#include "cli/training_options.h"

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "core/errors.h"
#include "core/hash.h"
#include "train/loop/device.h"

namespace genu::cli {

namespace {

// The only thing a signal may touch.
volatile std::sig_atomic_t noted_signal = 0;
void note_signal(int signal_number) { noted_signal = signal_number; }

void stop_on(int signal_number) {
  if (std::signal(signal_number, note_signal) == SIG_IGN) std::signal(signal_number, SIG_IGN);
}

}  // namespace

void add_training_options(CLI::App& app, TrainingOptions& options) {
  add_config_options(app, options.common);
  add_output_options(app, options.common);
  app.add_option("--shards", options.shards, "folder with shards.json")->type_name("DIR");
  app.add_option("--init", options.init, "initial weights, safetensors or .pth (as --set init.weights=FILE)")
      ->type_name("FILE");
  app.add_option("--epochs", options.epochs, "as --set epochs=N, in every phase")->check(CLI::Range(1, 1000000));
  app.add_option("--limit", options.limit, "train on N samples only (as --set data.limit_samples=N)")
      ->check(CLI::Range(1, 1 << 30));
  app.add_option("--threads", options.threads, "processor threads, 0 = all; resume with as many for the same bits")
      ->check(CLI::Range(0, 1024));
}

train::TrainConfig resolve_training(const TrainingOptions& options) {
  auto config = load_config<train::TrainConfig>(options.common.config, options.common.overrides);
  if (!options.init.empty()) config.init.weights = options.init;
  if (options.epochs > 0) {
    config.epochs = config.phases.empty() ? options.epochs : config.epochs;
    for (train::PhaseConfig& phase : config.phases) phase.epochs = options.epochs;
  }
  if (options.limit > 0) config.data.limit_samples = options.limit;
  if (!config.teacher.predictions.empty() && config.teacher.sha256.empty()) {
    config.teacher.sha256 = to_hex(sha256_file(config.teacher.predictions));
  }
  config.device = train::resolved(config.device);
  config.precision = train::resolved(config.precision, config.device);
  return config;
}

bool is_answered(TrainingOptions& options, const train::TrainConfig& config) {
  if (options.common.help_config) {
    train::TrainConfig defaults;
    std::fputs(help_text(list_fields(defaults)).c_str(), stdout);
    return true;
  }
  if (options.common.print_config) {
    std::fputs(to_yaml(config).c_str(), stdout);
    return true;
  }
  if (options.shards.empty() || options.folder.empty()) {
    throw UsageError("--shards and --out are required (see --help)");
  }
  while (options.folder.size() > 1 && options.folder.back() == '/') options.folder.pop_back();
  return false;
}

void add_training_inputs(RunRecord& record, const train::TrainConfig& config) {
  const std::string &weights = config.init.weights, &teacher = config.teacher.predictions;
  if (!weights.empty() && std::filesystem::exists(weights)) record.add_input(weights, to_hex(sha256_file(weights)));
  if (!teacher.empty()) record.add_input(teacher, config.teacher.sha256);
}

void catch_stop_signals() {
  stop_on(SIGINT);
  stop_on(SIGTERM);
}

int stop_signal() { return static_cast<int>(noted_signal); }

}  // namespace genu::cli
