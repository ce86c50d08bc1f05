// genu export: a run's grader as a small folder to ship, with a temperature and what it takes to refuse other pictures.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/run_record.h"
#include "train/loop/export_grader.h"
#include "train/loop/tensor_runtime.h"

namespace genu::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string checkpoint;
  std::string shards;
  std::string out;
  std::string source = "auto";
  std::string temperature = "val";
  bool half = false;
  train::ExportOptions exported;
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  app.add_option("--checkpoint", options.checkpoint, "checkpoint folder, or a run's (its best)")
      ->type_name("DIR")
      ->required();
  app.add_option("--shards", options.shards, "the shards that it was trained on")->type_name("DIR")->required();
  app.add_option("--out", options.out, "folder to write; must not exist")->type_name("DIR")->required();
  app.add_flag("--half", options.half, "store kernels and matrices as float16: half the size, slightly other grades");
  app.add_option("--temperature", options.temperature, "fit the temperature of the probabilities on val, or none")
      ->check(CLI::IsMember({"val", "none"}))
      ->capture_default_str();
  app.add_option("--components", options.exported.components,
                 "principal axes of training knees' features, to refuse other pictures by; 0 = refuse none")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--quantile", options.exported.quantile, "share of the training part that is within the limit")
      ->check(CLI::Range(0.5, 1.0))
      ->capture_default_str();
  app.add_option("--source", options.source, "samples to fit both on; auto = real where there are any, else all")
      ->check(CLI::IsMember({"auto", "all", "synthetic", "real"}))
      ->capture_default_str();
  app.add_option("--threads", options.exported.threads, "processor threads, 0 = all")->check(CLI::Range(0, 1024));
}

train::ExportOptions resolved(const Options& options) {
  using train::SourceChoice;
  train::ExportOptions out = options.exported;
  if (options.half) out.storage = train::WeightStorage::kHalf;
  out.fit_temperature = options.temperature == "val";
  if (options.source == "all") out.source = SourceChoice::kAll;
  if (options.source == "synthetic") out.source = SourceChoice::kSynthetic;
  if (options.source == "real") out.source = SourceChoice::kReal;
  return out;
}

void print(const train::ExportOutcome& outcome, const Options& options) {
  if (options.common.json) {
    nlohmann::ordered_json json = {
        {"out", options.out}, {"bytes", outcome.bytes}, {"weights_sha256", outcome.weights_sha256}};
    if (outcome.temperature) {
      json["temperature"] = *outcome.temperature;
      json["val_samples"] = outcome.val_samples;
      json["calibration_error"] = outcome.calibration_error;
      json["scaled_calibration_error"] = outcome.scaled_calibration_error;
    }
    if (outcome.distance_limit) {
      json["distance_limit"] = *outcome.distance_limit;
      json["train_samples"] = outcome.train_samples;
    }
    std::puts(json.dump().c_str());
    return;
  }
  std::puts(fmt::format("{}: {:.2f} MB, weights SHA-256 {}", options.out, static_cast<double>(outcome.bytes) / 1e6,
                        outcome.weights_sha256)
                .c_str());
  if (outcome.temperature) {
    std::puts(fmt::format("temperature {:.3f}, fitted on {} validation knees: calibration error {:.4f}, before {:.4f} "
                          "(fitted on the other half of the subjects)",
                          *outcome.temperature, outcome.val_samples, outcome.scaled_calibration_error,
                          outcome.calibration_error)
                  .c_str());
  }
  if (outcome.distance_limit) {
    std::puts(
        fmt::format("pictures farther than {:.3f} from {} training knees are not graded ({:g} % of these are within)",
                    *outcome.distance_limit, outcome.train_samples, 100 * options.exported.quantile)
            .c_str());
  }
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Writes a checkpoint as a small folder to ship: weights, temperature, and what a knee looks like.",
               "export");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  RunRecord record(arguments, "");
  train::prepare_tensor_runtime(options.exported.threads);
  const auto shards = pipeline::ShardSet::open(options.shards);
  const train::ExportOutcome outcome = train::export_grader(options.checkpoint, shards, resolved(options), options.out);
  record.add_input(options.shards, shards->index_sha256());
  record.add_library("torch", train::tensor_library_version());
  record.add_result("weights_sha256", outcome.weights_sha256);
  record.write_beside(options.out);
  print(outcome, options);
  return 0;
}

}  // namespace

Command export_command() { return {"export", "", run}; }

}  // namespace genu::cli
