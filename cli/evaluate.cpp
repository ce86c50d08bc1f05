#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/run_record.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_runtime.h"
#include "train/metrics/report.h"

namespace genu::cli {

namespace {

struct Options {
  CommonOptions common;
  std::string checkpoint;
  std::string shards;
  std::string split = "val";
  std::string source = "all";
  std::string out;
  int bootstrap = 1000;
  int limit = 0;
  int threads = 0;
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  app.add_option("--checkpoint", options.checkpoint, "checkpoint folder, or a run's (its best)")
      ->type_name("DIR")
      ->required();
  app.add_option("--shards", options.shards, "folder with shards.json")->type_name("DIR")->required();
  app.add_option("--split", options.split, "train, val or test")->capture_default_str();
  app.add_option("--source", options.source, "all, synthetic or real")
      ->check(CLI::IsMember({"all", "synthetic", "real"}))
      ->capture_default_str();
  app.add_option("--out", options.out, "write report.json, report.txt, predictions.csv and confusion.csv here")
      ->type_name("DIR");
  app.add_option("--bootstrap", options.bootstrap, "replicates of the intervals; 0 = no intervals")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  app.add_option("--limit", options.limit, "grade N samples only")->check(CLI::Range(1, 1 << 30));
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

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Full metric report of a checkpoint on one split of the shards.", "evaluate");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  RunRecord record(arguments, "");
  train::prepare_tensor_runtime(options.threads);
  const train::EvaluationSelection selected = selection(options);
  const train::Grader grader = train::Grader::load(options.checkpoint);
  const auto shards = pipeline::ShardSet::open(options.shards);
  const auto source =
      train::evaluation_source(shards, selected, grader.config().normalisation,
                               {.size_px = grader.config().size_px, .seed = 0, .threads = options.threads});
  train::Report report =
      train::make_report(grader.grade(*source), {.replicates = options.bootstrap, .confidence = 0.95, .seed = 0});
  report.checkpoint = grader.folder().string();
  report.model = grader.config().model.name;
  report.split = options.split;
  if (!options.out.empty()) {
    train::write_report(report, options.out);
    record.add_input(options.shards, shards->index_sha256());
    record.add_library("torch", train::tensor_library_version());
    record.write(options.out + ".run.json");
  }
  std::fputs((options.common.json ? train::report_json(report) : train::report_text(report)).c_str(), stdout);
  return 0;
}

}  // namespace

Command evaluate_command() { return {"evaluate", "", run}; }

}  // namespace genu::cli
