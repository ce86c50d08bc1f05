// Repeated training: k folds, several seeds, or both. `genu crossval`.
//
//   DIR/study.yaml                      StudyConfig: what it is a study of
//   DIR/repeat-00/fold-00/run/          the run, as `genu train` leaves it
//   DIR/repeat-00/fold-00/report.json   ... predictions.csv: the report on what was held out; predictions.csv comes
//                                       last and marks a fold as done
//   DIR/repeat-00/report.json ...       all folds of the repeat pooled: every sample graded by the model that had not
//                                       seen it; without folds, the report of the repeat's one run
//   DIR/table.csv                       one row a run: repeat, fold, seed, samples, every summary score
//   DIR/summary.json, summary.txt       mean and SD of the rows
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/loop/train_config.h"
#include "train/loop/training_run.h"

namespace genu::train {

// Everything that decides what a study computes, but how often it is repeated.
struct StudyConfig {
  int folds = 10;                                    // 0 = none: each repeat trains on the shards' own train split
  std::vector<std::string> pool = {"train", "val"};  // with folds: the splits whose samples are parted
  std::string graded = "val";                        // without: the split that each run is judged on
  std::uint64_t fold_seed = 0;                       // of repeat r: fold_seed + r
  int bootstrap = 1000;                              // replicates of the reports' intervals; 0 = none
  std::string shards_sha256;
  TrainConfig training;  // of repeat r: with seed + r
  void list_fields(FieldList& fields);
  bool operator==(const StudyConfig&) const = default;
};

struct StudyRequest {
  std::filesystem::path folder;
  RunMode mode = RunMode::kFresh;
  int repeats = 1;
  int threads = 0;
};

struct StudyRow {
  int repeat = 0;
  std::optional<int> fold;
  std::uint64_t seed = 0;
  std::size_t samples = 0;
  std::vector<std::optional<double>> scores;  // as summary(Scores)
};

struct StudyOutcome {
  bool finished = false;  // false: stopped on request, can be resumed
  std::vector<StudyRow> rows;
};

// Runs what is not done yet, one run after the other. Throws UsageError on a used folder (kFresh) or another config or
// other shards (kResume), ConfigError on folds with a teacher, what make_folds() and run_training() throw, and IoError.
StudyOutcome run_study(const StudyConfig& config, const std::shared_ptr<const pipeline::ShardSet>& shards,
                       const StudyRequest& request, const StopRequest& stop);

// Of the table, computed anew from the predictions in the folder.
std::vector<StudyRow> study_rows(const StudyConfig& config, const std::filesystem::path& folder, int repeats);
std::string study_table_csv(const std::vector<StudyRow>& rows);
std::string study_summary_json(const StudyConfig& config, const std::vector<StudyRow>& rows);
std::string study_summary_text(const std::vector<StudyRow>& rows);

}  // namespace genu::train
