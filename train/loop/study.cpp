#include "train/loop/study.h"

#include <fmt/format.h>

#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "train/loop/folds.h"
#include "train/loop/grader.h"
#include "train/loop/test_touches.h"
#include "train/metrics/predictions_file.h"
#include "train/metrics/report.h"

namespace genu::train {

namespace fs = std::filesystem;

namespace {

using Shards = std::shared_ptr<const pipeline::ShardSet>;

pipeline::Split split_named(const std::string& word) {
  const auto split = pipeline::parse_split(word);
  if (!split) throw ConfigError(fmt::format("'{}' is not a split; there are train, val and test", word));
  return *split;
}

fs::path repeat_folder(const fs::path& study, int repeat) { return study / fmt::format("repeat-{:02}", repeat); }

fs::path run_folder(const fs::path& study, int repeat, const std::optional<int>& fold) {
  const fs::path folder = repeat_folder(study, repeat);
  return fold ? folder / fmt::format("fold-{:02}", *fold) : folder;
}

bool is_done(const fs::path& folder) { return fs::exists(folder / "predictions.csv"); }

FoldPlan plan_of(const StudyConfig& config, int repeat) {
  FoldPlan plan{.folds = config.folds, .pool = {}, .seed = config.fold_seed + static_cast<std::uint64_t>(repeat)};
  for (const std::string& word : config.pool) plan.pool.push_back(split_named(word));
  return plan;
}

// A study in progress.
class Study {
 public:
  Study(const StudyConfig& config, Shards shards, const StudyRequest& request, const StopRequest& stop)
      : config_(config), shards_(std::move(shards)), request_(request), stop_(stop) {}

  // False: stopped on request.
  bool run() {
    for (int repeat = 0; repeat < request_.repeats; ++repeat) {
      if (config_.folds > 0 ? !run_folds(repeat) : !run_once(repeat, std::nullopt, std::nullopt)) return false;
    }
    return true;
  }

 private:
  bool run_folds(int repeat) {
    const auto folds = make_folds(*shards_, config_.training, plan_of(config_, repeat));
    const fs::path whole = repeat_folder(request_.folder, repeat);
    bool is_reported = is_done(whole);
    for (std::size_t f = 0; f < folds.size(); ++f) {
      is_reported = is_reported && is_done(run_folder(request_.folder, repeat, static_cast<int>(f)));
      if (!run_once(repeat, static_cast<int>(f), folds[f])) return false;
    }
    if (is_reported) return true;
    std::vector<Prediction> pooled;
    for (std::size_t f = 0; f < folds.size(); ++f) {
      const auto of_fold =
          read_predictions(run_folder(request_.folder, repeat, static_cast<int>(f)) / "predictions.csv");
      pooled.insert(pooled.end(), of_fold.begin(), of_fold.end());
    }
    report(std::move(pooled), fmt::format("{} folds, pooled", folds.size()), whole);
    return true;
  }

  // Trains and judges one run, unless that has been done.
  bool run_once(int repeat, const std::optional<int>& fold, const std::optional<Fold>& samples) {
    const fs::path folder = run_folder(request_.folder, repeat, fold);
    if (is_done(folder)) return true;
    log_info(fmt::format("{}: {} of {}", folder.string(), fold ? *fold + 1 : repeat + 1,
                         fold ? config_.folds : request_.repeats));
    TrainConfig training = config_.training;
    training.seed += static_cast<std::uint64_t>(repeat);
    RunRequest run{.folder = folder / "run", .mode = RunMode::kResume, .threads = request_.threads, .samples = {}};
    if (samples) run.samples = ChosenSamples{samples->training, samples->validation};
    if (!run_training(training, shards_, run, stop_).finished) return false;
    judge(folder, samples, fold ? fmt::format("fold {}", *fold) : config_.graded);
    return true;
  }

  // Grades what was held out with the run's best checkpoint.
  void judge(const fs::path& folder, const std::optional<Fold>& samples, const std::string& name) const {
    Grader grader = Grader::load(folder / "run");
    grader.move_to(config_.training.device);
    const SourceOptions options{
        .size_px = grader.config().size_px, .rows = grader.config().rows, .seed = 0, .threads = request_.threads};
    const ValidationConfig& validation = config_.training.validation;
    const auto source =
        samples ? evaluation_source(
                      shards_, samples->held_out,
                      {.batch_size = validation.batch_size, .normalisation = grader.config().normalisation}, options)
                : evaluation_source(shards_,
                                    {.split = split_named(config_.graded),
                                     .source = validation.source,
                                     .limit_samples = config_.training.data.limit_samples,
                                     .batch_size = validation.batch_size},
                                    grader.config().normalisation, options);
    const bool is_test = !samples && config_.graded == "test";
    const int touches = is_test ? count_test_touch(grader.folder(), config_.shards_sha256) : 0;
    report(grader.grade(*source), name, folder, touches);
  }

  void report(std::vector<Prediction> predictions, const std::string& name, const fs::path& folder,
              int test_touches = 0) const {
    Report report =
        make_report(std::move(predictions), {.replicates = config_.bootstrap, .confidence = 0.95, .seed = 0});
    report.checkpoint = (folder.lexically_relative(request_.folder) / "run").string();
    report.model = config_.training.model.name;
    report.split = name;
    if (test_touches > 0) report.test_touches = test_touches;
    write_report(report, folder);
  }

  const StudyConfig& config_;
  Shards shards_;
  const StudyRequest& request_;
  const StopRequest& stop_;
};

bool holds_a_checkpoint(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename() == "last") return true;
  }
  return false;
}

// Writes study.yaml, or checks that this is the study that it says. One that has not come to a checkpoint, as with a
// config that no run accepts, binds nobody.
void begin(const StudyConfig& config, const StudyRequest& request) {
  const fs::path file = request.folder / "study.yaml";
  if (!fs::exists(file) || !holds_a_checkpoint(request.folder)) {
    make_folders(request.folder);
    write_file_atomically(file, to_yaml(config));
    return;
  }
  const std::string name = request.folder.string();
  if (request.mode == RunMode::kFresh) {
    throw UsageError(name + ": holds a study already; --resume goes on with it, or choose another folder");
  }
  if (!(load_config<StudyConfig>(file, {}) == config)) {
    throw UsageError(
        fmt::format("{}: was begun with another config, other folds or other shards ({}); resume with those, "
                    "or choose another folder",
                    name, file.string()));
  }
}

}  // namespace

void StudyConfig::list_fields(FieldList& fields) {
  fields.add("folds", folds, Range{0, 1000}, "0 = none: each repeat trains on the shards' own train split");
  fields.add("pool", pool, Range{1, 3}, "with folds: splits of the shards whose samples are parted");
  fields.add("graded", graded, "without folds: the split that each run is judged on");
  fields.add("fold_seed", fold_seed, Range<std::uint64_t>{}, "of the folds; plus the number of the repeat");
  fields.add("bootstrap", bootstrap, Range{0, 1000000}, "replicates of the reports' intervals");
  fields.add("shards_sha256", shards_sha256, "hash of the shards' index");
  fields.section("training", training, "as genu train; its seed plus the number of the repeat");
}

StudyOutcome run_study(const StudyConfig& config, const Shards& shards, const StudyRequest& request,
                       const StopRequest& stop) {
  check_config(config.training);
  if (config.folds > 0 && !config.training.teacher.predictions.empty()) {
    throw ConfigError(
        "teacher.predictions: a teacher may have seen what a fold holds out; leave it empty, or take --folds 0");
  }
  if (config.folds > 0) make_folds(*shards, config.training, plan_of(config, 0));  // a bad plan leaves no folder behind
  begin(config, request);
  StudyOutcome outcome;
  outcome.finished = Study(config, shards, request, stop).run();
  if (!outcome.finished) return outcome;
  outcome.rows = study_rows(config, request.folder, request.repeats);
  write_file_atomically(request.folder / "table.csv", study_table_csv(outcome.rows));
  write_file_atomically(request.folder / "summary.txt", study_summary_text(outcome.rows));
  write_file_atomically(request.folder / "summary.json", study_summary_json(config, outcome.rows));
  return outcome;
}

std::vector<StudyRow> study_rows(const StudyConfig& config, const fs::path& folder, int repeats) {
  std::vector<StudyRow> rows;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (int f = 0; f < std::max(1, config.folds); ++f) {
      StudyRow row{.repeat = repeat,
                   .fold = config.folds > 0 ? std::optional(f) : std::nullopt,
                   .seed = config.training.seed + static_cast<std::uint64_t>(repeat),
                   .samples = 0,
                   .scores = {}};
      const auto predictions = read_predictions(run_folder(folder, repeat, row.fold) / "predictions.csv");
      row.samples = predictions.size();
      for (const NamedScore& named : summary(score(predictions))) row.scores.push_back(named.value);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace genu::train
