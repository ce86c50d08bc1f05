#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "cli/checkpoint_options.h"
#include "cli/commands.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/run_record.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_runtime.h"
#include "train/loop/test_touches.h"
#include "train/metrics/report.h"

#ifdef GENU_WITH_IMAGES
#include "cli/report_plots.h"
#include "train/loop/run_folder.h"
#endif

namespace genu::cli {

namespace {

struct Options {
  CommonOptions common;
  std::vector<std::string> checkpoints;
  std::string shards;
  std::string split = "val";
  std::string source = "all";
  std::string out;
  int bootstrap = 1000;
  int limit = 0;
  int threads = 0;
  std::string device = "auto";
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  app.add_option("--checkpoint", options.checkpoints,
                 "checkpoint folder, or a run's (its best); given several times: their mean probabilities")
      ->type_name("DIR")
      ->allow_extra_args(false)
      ->required();
  app.add_option("--shards", options.shards, "folder with shards.json")->type_name("DIR")->required();
  app.add_option("--split", options.split, "train, val or test")->capture_default_str();
  app.add_option("--source", options.source, "all, synthetic or real")
      ->check(CLI::IsMember({"all", "synthetic", "real"}))
      ->capture_default_str();
  app.add_option("--out", options.out, "write report.json, report.txt, predictions.csv, confusion.csv and charts here")
      ->type_name("DIR");
  app.add_option("--bootstrap", options.bootstrap, "replicates of the intervals; 0 = no intervals")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.add_option("--limit", options.limit, "grade N samples only")->check(CLI::Range(1, 1 << 30));
  add_device_option(app, options.device);
  app.add_option("--threads", options.threads, "processor threads, 0 = all")->check(CLI::Range(0, 1024));
}

train::EvaluationSelection selection(const Options& options) {
  const auto split = pipeline::parse_split(options.split);
  if (!split) throw UsageError("--split: '" + options.split + "' is not train, val or test");
  const auto source = options.source == "synthetic" ? train::SourceChoice::kSynthetic
                      : options.source == "real"    ? train::SourceChoice::kReal
                                                    : train::SourceChoice::kAll;
  return {.split = *split, .source = source, .limit_samples = options.limit, .batch_size = 64};
}

// Grades of each checkpoint in turn, averaged.
train::Report grade(const Options& options, const std::shared_ptr<const pipeline::ShardSet>& shards,
                    RunRecord& record) {
  const train::EvaluationSelection selected = selection(options);
  std::vector<std::vector<train::Prediction>> members;
  std::vector<std::string> folders, models;
  int touches = 0;
  for (const std::string& checkpoint : options.checkpoints) {
    train::Grader grader = train::Grader::load(checkpoint);
    add_checkpoint(record, grader);
    grader.move_to(device_named(options.device));
    if (grader.config().chosen_samples) {
      log_warning(grader.folder().string() +
                  ": trained on a fold of genu crossval, and may have seen samples of this split");
    }
    const auto source = train::evaluation_source(
        shards, selected, grader.config().normalisation,
        {.size_px = grader.config().size_px, .rows = grader.config().rows, .seed = 0, .threads = options.threads});
    if (selected.split == pipeline::Split::kTest) {
      touches = std::max(touches, train::count_test_touch(grader.folder(), shards->index_sha256()));
    }
    members.push_back(grader.grade(*source));
    folders.push_back(grader.folder().string());
    models.push_back(grader.config().model.name);
  }
  train::Report report = train::make_report(train::mean_predictions(members),
                                            {.replicates = options.bootstrap, .confidence = 0.95, .seed = 0});
  report.checkpoint = fmt::format("{}", fmt::join(folders, ", "));
  report.model = fmt::format("{}", fmt::join(models, " + "));
  report.split = options.split;
  if (touches > 0) report.test_touches = touches;
  return report;
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Full metric report of a checkpoint on one split of the shards.", "evaluate");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  RunRecord record(arguments, "");
  train::prepare_tensor_runtime(options.threads);
  const auto shards = pipeline::ShardSet::open(options.shards);
  const train::Report report = grade(options, shards, record);
  if (!options.out.empty()) {
    train::write_report(report, options.out);
#ifdef GENU_WITH_IMAGES
    write_report_plots(report, options.out);
    if (options.checkpoints.size() == 1) {
      // A run's last checkpoint knows all of its epochs, the best only those before it.
      const std::filesystem::path run_folder = options.checkpoints.front(), last = run_folder / "last" / "metrics.csv";
      const std::filesystem::path metrics =
          std::filesystem::exists(last) ? last : train::find_checkpoint(run_folder) / "metrics.csv";
      if (std::filesystem::exists(metrics)) write_training_curves(metrics, options.out);
    }
#endif
    record.add_input(options.shards, shards->index_sha256());
    record.add_library("torch", train::tensor_library_version());
    record.write_beside(options.out);
  }
  std::fputs((options.common.json ? train::report_json(report) : train::report_text(report)).c_str(), stdout);
  return 0;
}

}  // namespace

Command evaluate_command() { return {"evaluate", "", run}; }

}  // namespace genu::cli
