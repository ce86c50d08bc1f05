#include "train/loop/study.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/csv.h"
#include "core/errors.h"
#include "core/log.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_shards.h"
#include "train/loop/checkpoint.h"
#include "train/loop/export_grader.h"
#include "train/loop/folds.h"
#include "train/metrics/comparison.h"
#include "train/metrics/predictions_file.h"
#include "train/metrics/scores.h"

namespace genu::train {
namespace {

using pipeline::Source;
using pipeline::Split;
using testing::FakeRow;

constexpr int kSidePx = 32;

// `people` with two knees each: grades as in the Mendeley set, the second knee often another grade.
std::vector<FakeRow> people(int count, Split split, const std::string& prefix) {
  RandomStream random(5, 0, "test.people." + prefix);
  const std::array<double, 5> shares = {0.38, 0.18, 0.26, 0.13, 0.05};
  std::vector<FakeRow> rows;
  for (int person = 0; person < count; ++person) {
    for (int knee = 0; knee < 2; ++knee) {
      rows.push_back({split, Source::kMendeley, static_cast<int>(random.categorical(shares)),
                      fmt::format("{}{:04}", prefix, person)});
    }
  }
  return rows;
}

TrainConfig small_training() {
  TrainConfig config;
  config.seed = 4;
  config.epochs = 2;
  config.model.name = "mobilenet_v2";
  config.optimiser.learning_rate = 2e-3;
  config.data.batch_size = 8;
  config.data.size_px = kSidePx;
  config.validation.flip_average = false;
  return config;
}

class Folding : public ::testing::Test {
 protected:
  std::shared_ptr<const pipeline::ShardSet> shards(const std::vector<FakeRow>& rows) {
    return testing::make_fake_shards(folder.path() / "shards", rows, kSidePx);
  }
  TemporaryFolder folder;
};

TEST_F(Folding, NoSubjectOnTwoSidesAndGradesAlike) {
  auto rows = people(400, Split::kTrain, "a");
  const auto more = people(100, Split::kVal, "b");
  const auto kept_out = people(50, Split::kTest, "c");
  rows.insert(rows.end(), more.begin(), more.end());
  rows.insert(rows.end(), kept_out.begin(), kept_out.end());
  const auto set = shards(rows);
  const auto folds = make_folds(*set, small_training(), {.folds = 10});
  ASSERT_EQ(folds.size(), 10U);
  std::multiset<std::size_t> held_out;
  std::array<double, 5> share{};
  for (std::size_t i = 0; i < 1000; ++i) share[static_cast<std::size_t>(rows[i].kl)] += 1.0 / 1000;
  for (const Fold& fold : folds) {
    std::map<std::string, std::set<int>> sides;
    for (const std::size_t i : fold.training) sides[set->record(i).subject].insert(0);
    for (const std::size_t i : fold.validation) sides[set->record(i).subject].insert(1);
    for (const std::size_t i : fold.held_out) sides[set->record(i).subject].insert(2);
    for (const auto& [subject, on] : sides) EXPECT_EQ(on.size(), 1U) << subject;
    EXPECT_EQ(fold.training.size() + fold.validation.size() + fold.held_out.size(), 1000U);
    EXPECT_NEAR(static_cast<double>(fold.held_out.size()), 100, 6);
    held_out.insert(fold.held_out.begin(), fold.held_out.end());
    std::array<double, 5> in_fold{};
    for (const std::size_t i : fold.held_out) {
      in_fold[static_cast<std::size_t>(set->record(i).kl.value())] += 1.0 / static_cast<double>(fold.held_out.size());
    }
    for (std::size_t grade = 0; grade < 5; ++grade) EXPECT_NEAR(in_fold[grade], share[grade], 0.07) << grade;
  }
  EXPECT_EQ(held_out.size(), 1000U);
  EXPECT_EQ(*held_out.rbegin(), 999U);  // nothing of the test split
  EXPECT_EQ(make_folds(*set, small_training(), {.folds = 10}), folds);
  EXPECT_NE(make_folds(*set, small_training(), {.folds = 10, .seed = 1}), folds);
}

TEST_F(Folding, SyntheticKneesOnlyTrainWhereThereAreRealOnes) {
  auto rows = people(20, Split::kTrain, "a");
  for (int i = 0; i < 30; ++i) rows.push_back({Split::kTrain, Source::kSynthetic, i % 5});
  const auto set = shards(rows);
  for (const Fold& fold : make_folds(*set, small_training(), {.folds = 4})) {
    for (const std::size_t i : fold.held_out) EXPECT_LT(i, 40U);
    for (const std::size_t i : fold.validation) EXPECT_LT(i, 40U);
    EXPECT_EQ(std::count_if(fold.training.begin(), fold.training.end(), [](std::size_t i) { return i >= 40; }), 30);
  }
  // Asked for, the synthetic ones alone are parted.
  TrainConfig config = small_training();
  config.data.source = config.validation.source = SourceChoice::kSynthetic;
  config.validation.split = SplitChoice::kNone;
  for (const Fold& fold : make_folds(*set, config, {.folds = 3})) {
    EXPECT_EQ(fold.held_out.size(), 10U);
    EXPECT_EQ(fold.training.size(), 20U);
    EXPECT_TRUE(fold.validation.empty());
  }
}

TEST_F(Folding, WhatCannotBeDoneIsSaid) {
  const auto set = shards(people(4, Split::kTrain, "a"));
  TrainConfig config = small_training();
  EXPECT_THROW(make_folds(*set, config, {.folds = 2}), ConfigError);
  EXPECT_THROW(make_folds(*set, config, {.folds = 9}), DataError);
  config.validation.split = SplitChoice::kTest;
  EXPECT_THROW(make_folds(*set, config, {.folds = 3}), ConfigError);
}

struct Crash : std::runtime_error {
  Crash() : std::runtime_error("crash") {}
};

class Studying : public Folding {
 protected:
  Studying() {
    torch::set_num_threads(1);
    set_log_level(LogLevel::kWarning);
    auto rows = people(24, Split::kTrain, "a");
    const auto more = people(6, Split::kVal, "b");
    rows.insert(rows.end(), more.begin(), more.end());
    set = shards(rows);
  }
  StudyConfig config() const {
    StudyConfig study;
    study.folds = 3;
    study.bootstrap = 0;
    study.shards_sha256 = set->index_sha256();
    study.training = small_training();
    return study;
  }
  StudyOutcome study(const std::string& name, const StudyConfig& what, RunMode mode, const StopRequest& stop = {},
                     int repeats = 1) {
    return run_study(what, set, {.folder = folder.path() / name, .mode = mode, .repeats = repeats, .threads = 1}, stop);
  }
  std::string text(const std::string& name) const { return read_text_file(folder.path() / name); }

  std::shared_ptr<const pipeline::ShardSet> set;
};

TEST_F(Studying, KilledAnywhereAndResumedEqualsUninterrupted) {
  const StudyOutcome whole = study("whole", config(), RunMode::kFresh);
  ASSERT_TRUE(whole.finished);
  ASSERT_EQ(whole.rows.size(), 3U);
  // Dies in the middle of every fold, between checkpoints too; a fold that is done is not done again.
  int asked = 0;
  const StopRequest dies = [&](std::uint64_t) -> bool {
    if (++asked % 7 == 0) throw Crash();
    return false;
  };
  int crashes = 0;
  while (true) {
    try {
      if (study("killed", config(), RunMode::kResume, dies).finished) break;
    } catch (const Crash&) {
      ++crashes;
      ASSERT_LT(crashes, 40);
    }
  }
  EXPECT_GE(crashes, 3);
  for (const char* file : {"table.csv", "summary.json", "study.yaml", "repeat-00/predictions.csv",
                           "repeat-00/report.json", "repeat-00/fold-01/predictions.csv"}) {
    EXPECT_EQ(text(std::string("whole/") + file), text(std::string("killed/") + file)) << file;
  }
  EXPECT_EQ(text("whole/repeat-00/fold-02/run/last/model.safetensors"),
            text("killed/repeat-00/fold-02/run/last/model.safetensors"));
  // Nothing is trained or reported a second time.
  const auto mark = [&](const std::string& name) { write_file_atomically(folder.path() / name, "kept"); };
  mark("whole/repeat-00/report.txt");
  int steps = 0;
  const StopRequest counts = [&](std::uint64_t) { return ++steps < 0; };
  EXPECT_TRUE(study("whole", config(), RunMode::kResume, counts).finished);
  EXPECT_EQ(steps, 0);
  EXPECT_EQ(text("whole/repeat-00/report.txt"), "kept");
  // A fold judged anew makes the pooled report anew.
  std::filesystem::remove(folder.path() / "whole/repeat-00/fold-01/predictions.csv");
  EXPECT_TRUE(study("whole", config(), RunMode::kResume, counts).finished);
  EXPECT_NE(text("whole/repeat-00/report.txt"), "kept");
}

TEST_F(Studying, TableAndPoolEqualRecomputation) {
  study("run", config(), RunMode::kFresh);
  const CsvTable table = CsvTable::parse(text("run/table.csv"), "table.csv");
  ASSERT_EQ(table.size(), 3U);
  std::set<std::string> ids;
  std::vector<double> accuracies;
  for (std::size_t f = 0; f < 3; ++f) {
    const auto rows = read_predictions(folder.path() / fmt::format("run/repeat-00/fold-{:02}/predictions.csv", f));
    const Scores scores = score(rows);
    EXPECT_EQ(table.integer(f, table.column("samples"), 0, 1000), static_cast<int>(rows.size()));
    EXPECT_EQ(table.number(f, table.column("accuracy")), scores.accuracy);
    EXPECT_EQ(table.number(f, table.column("quadratic_kappa")), scores.quadratic_kappa.value_or(-9));
    accuracies.push_back(scores.accuracy);
    for (const Prediction& row : rows) ids.insert(row.sample_id);
  }
  EXPECT_EQ(ids.size(), 60U);
  const auto pooled = read_predictions(folder.path() / "run/repeat-00/predictions.csv");
  EXPECT_EQ(pooled.size(), 60U);
  const auto report = nlohmann::json::parse(text("run/repeat-00/report.json"));
  EXPECT_EQ(report["scores"]["accuracy"].get<double>(), score(pooled).accuracy);
  const double mean = (accuracies[0] + accuracies[1] + accuracies[2]) / 3;
  double squares = 0;
  for (const double accuracy : accuracies) squares += (accuracy - mean) * (accuracy - mean);
  const auto summary = nlohmann::json::parse(text("run/summary.json"));
  EXPECT_NEAR(summary["scores"]["accuracy"]["mean"].get<double>(), mean, 1e-12);
  EXPECT_NEAR(summary["scores"]["accuracy"]["sd"].get<double>(), std::sqrt(squares / 2), 1e-12);
}

TEST_F(Studying, RepeatsChangeTheSeedAndCanBeAddedTo) {
  StudyConfig what = config();
  what.folds = 0;
  EXPECT_EQ(study("repeats", what, RunMode::kFresh, {}, 2).rows.size(), 2U);
  const StudyOutcome more = study("repeats", what, RunMode::kResume, {}, 3);
  ASSERT_EQ(more.rows.size(), 3U);
  EXPECT_EQ(more.rows[2].seed, 6U);
  EXPECT_EQ(more.rows[2].samples, 12U);  // the val split
  EXPECT_NE(text("repeats/repeat-00/run/last/model.safetensors"), text("repeats/repeat-01/run/last/model.safetensors"));
  what.training.optimiser.learning_rate = 1e-4;
  study("other", what, RunMode::kFresh, {}, 3);
  const Comparison comparison =
      compare({load_contender(folder.path() / "repeats"), load_contender(folder.path() / "other")}, {.replicates = 50});
  EXPECT_EQ(comparison.samples, 12U);
  EXPECT_EQ(comparison.metrics.front().groups.front().observations, 3U);
}

// A teacher may have been trained on what a fold holds out.
TEST_F(Studying, FoldsTakeNoTeacher) {
  StudyConfig what = config();
  what.training.teacher.predictions = "said.csv";
  EXPECT_THROW(study("run", what, RunMode::kFresh), ConfigError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "run"));
}

// A config that no run accepts leaves a folder that the mended one may take.
TEST_F(Studying, AStudyThatCameToNoCheckpointBindsNobody) {
  StudyConfig what = config();
  what.folds = 0;
  what.training.epochs = 1;
  what.training.loss.class_weights = {1, 2};
  EXPECT_THROW(study("run", what, RunMode::kFresh), ConfigError);
  what.training.loss.class_weights.clear();
  EXPECT_TRUE(study("run", what, RunMode::kFresh).finished);
}

// No split of the shards is unseen by a fold's network.
TEST_F(Studying, AFoldIsNotExported) {
  StudyConfig what = config();
  what.training.epochs = 1;
  study("folds", what, RunMode::kFresh);
  const auto run = folder.path() / "folds/repeat-00/fold-00/run";
  EXPECT_TRUE(read_grader_config(run / "best").chosen_samples);
  EXPECT_THROW(export_grader(run, set, {}, folder.path() / "shipped"), DataError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "shipped"));
  what.folds = 0;
  study("whole", what, RunMode::kFresh);
  EXPECT_FALSE(read_grader_config(folder.path() / "whole/repeat-00/run/best").chosen_samples);
}

TEST_F(Studying, AUsedFolderOrAnotherConfigIsRefused) {
  StudyConfig what = config();
  what.folds = 0;
  what.training.epochs = 1;
  study("run", what, RunMode::kFresh);
  EXPECT_THROW(study("run", what, RunMode::kFresh), UsageError);
  what.training.seed = 5;
  EXPECT_THROW(study("run", what, RunMode::kResume), UsageError);
}

}  // namespace
}  // namespace genu::train
