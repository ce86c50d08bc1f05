#include "train/loop/fit.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <stdexcept>

#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_source.h"
#include "train/loop/checkpoint.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_errors.h"
#include "train/metrics/scores.h"

namespace genu::train {
namespace {

using testing::FakeOptions;
using testing::FakeSource;

GraderConfig grader_for(const TrainConfig& config, int size_px) {
  GraderConfig grader;
  grader.model = config.model;
  grader.size_px = size_px;
  grader.shards_sha256 = "00";
  return grader;
}

// 64 px MobileNetV2: small enough to be quick, with batch norm, dropout and depthwise convolutions.
TrainConfig small_config() {
  TrainConfig config;
  config.seed = 11;
  config.epochs = 3;
  config.model = {.name = "mobilenet_v2", .dropout = 0.3};
  config.optimiser = {.learning_rate = 2e-3, .head_multiplier = 2.0, .weight_decay = 0.01};
  config.schedule.warmup_fraction = 0.2;
  config.data.batch_size = 5;
  return config;
}

struct Crash : std::runtime_error {
  Crash() : std::runtime_error("crash") {}
};

class Fitting : public ::testing::Test {
 protected:
  Fitting() {
    torch::set_num_threads(1);
    set_log_level(LogLevel::kWarning);
  }

  FitOutcome fit_into(const std::string& name, const TrainConfig& config, RunMode mode, const StopRequest& stop = {}) {
    FakeSource training({.sample_count = 20, .batch_size = 5, .size_px = size_px});
    FakeSource validation(
        {.sample_count = 10, .batch_size = 4, .size_px = size_px, .order = FakeOptions::Order::kStored});
    RunFolder run(folder.path() / name);
    return fit(config, {.training = training, .validation = &validation, .grader = grader_for(config, size_px)}, run,
               mode, stop);
  }
  std::filesystem::path last(const std::string& name) const { return folder.path() / name / "last"; }

  void expect_same_checkpoint(const std::string& a, const std::string& b) const {
    for (const char* file : {"model.safetensors", "state.safetensors", "metrics.csv", "train.yaml", "grader.yaml"}) {
      EXPECT_EQ(read_file(last(a) / file), read_file(last(b) / file)) << file;
    }
    EXPECT_EQ(read_file(folder.path() / a / "best/model.safetensors"),
              read_file(folder.path() / b / "best/model.safetensors"));
  }

  TemporaryFolder folder;
  int size_px = 64;
};

TEST_F(Fitting, StoppedAnywhereAndResumedEqualsUninterrupted) {
  const TrainConfig config = small_config();
  fit_into("whole", config, RunMode::kFresh);
  for (const std::uint64_t step : {1, 3, 4, 6, 11}) {
    const std::string name = "stopped" + std::to_string(step);
    const FitOutcome first = fit_into(name, config, RunMode::kFresh, [&](std::uint64_t done) { return done == step; });
    EXPECT_FALSE(first.finished);
    EXPECT_EQ(first.steps_done, step);
    torch::manual_seed(step);  // whatever the generator went through in between
    torch::randn({7});
    EXPECT_TRUE(fit_into(name, config, RunMode::kResume).finished);
    expect_same_checkpoint("whole", name);
  }
}

// A crash leaves the last saved checkpoint; the steps since are done again.
TEST_F(Fitting, KilledBetweenCheckpointsAndResumedEqualsUninterrupted) {
  TrainConfig config = small_config();
  config.checkpoint_every_steps = 3;
  config.ema_decay = 0.9;
  config.precision = Precision::kBf16;
  config.optimiser.clip_norm = 1.0;
  config.loss = {.kind = LossKind::kFocal, .gamma = 2.0, .class_weights = {1, 2, 1, 1, 3}, .label_smoothing = 0.1};
  fit_into("whole", config, RunMode::kFresh);
  for (const std::uint64_t step : {2, 5, 8}) {
    const std::string name = "killed" + std::to_string(step);
    const StopRequest kill = [&](std::uint64_t done) -> bool {
      if (done == step) throw Crash();
      return false;
    };
    EXPECT_THROW(fit_into(name, config, RunMode::kFresh, kill), Crash);
    fit_into(name, config, RunMode::kResume);
    expect_same_checkpoint("whole", name);
  }
}

TEST_F(Fitting, TheSeedDecidesEveryBit) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("a", config, RunMode::kFresh);
  fit_into("b", config, RunMode::kFresh);
  expect_same_checkpoint("a", "b");
  config.seed = 12;
  fit_into("c", config, RunMode::kFresh);
  EXPECT_NE(read_file(last("a") / "model.safetensors"), read_file(last("c") / "model.safetensors"));
}

TEST_F(Fitting, BestIsTheEpochOfHighestKappa) {
  TrainConfig config = small_config();
  config.epochs = 4;
  const FitOutcome outcome = fit_into("run", config, RunMode::kFresh);
  const auto rows = read_training_state(last("run")).rows;
  ASSERT_EQ(rows.size(), 4U);
  double best = -2;
  std::uint64_t best_epoch = 0;
  for (const EpochRow& row : rows) {
    ASSERT_TRUE(row.validation.has_value());
    if (row.validation->quadratic_kappa > best) {
      best = row.validation->quadratic_kappa;
      best_epoch = row.epoch;
    }
  }
  EXPECT_EQ(outcome.best_epoch, best_epoch);
  EXPECT_EQ(outcome.best_kappa, best);
  EXPECT_EQ(read_training_state(folder.path() / "run/best").cursor.epoch, best_epoch);
}

// The checkpoint alone gives the scores that its training run saw.
TEST_F(Fitting, ACheckpointGradesAsItDidInTraining) {
  for (const double ema : {0.0, 0.8}) {
    TrainConfig config = small_config();
    config.ema_decay = ema;
    const std::string name = "run" + std::to_string(ema);
    fit_into(name, config, RunMode::kFresh);
    FakeSource validation(
        {.sample_count = 10, .batch_size = 10, .size_px = size_px, .order = FakeOptions::Order::kStored});
    const Scores scores = score(Grader::load(last(name)).grade(validation));
    const auto rows = read_training_state(last(name)).rows;
    EXPECT_EQ(scores.accuracy, rows.back().validation->accuracy);
    EXPECT_EQ(scores.quadratic_kappa.value_or(0.0), rows.back().validation->quadratic_kappa);
  }
}

TEST_F(Fitting, FrozenBlocksKeepWeightsAndStatisticsThroughARun) {
  TrainConfig config = small_config();
  config.epochs = 1;
  config.freeze = {.policy = FreezePolicy::kLastBlocks, .blocks = 5};
  fit_into("first", config, RunMode::kFresh);
  config.epochs = 2;
  fit_into("second", config, RunMode::kFresh);
  const StateDict first = read_weights(last("first") / "model.safetensors");
  const StateDict second = read_weights(last("second") / "model.safetensors");
  const auto same = [&](const std::string& name) { return torch::equal(first.at(name), second.at(name)); };
  EXPECT_TRUE(same("features.0.0.weight"));
  EXPECT_TRUE(same("features.13.conv.3.running_mean"));
  EXPECT_TRUE(same("features.13.conv.3.num_batches_tracked"));
  EXPECT_FALSE(same("features.14.conv.3.running_mean"));
  EXPECT_FALSE(same("features.14.conv.3.weight"));
  EXPECT_FALSE(same("classifier.1.weight"));
}

TEST_F(Fitting, AUsedFolderIsNotOverwritten) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("run", config, RunMode::kFresh);
  EXPECT_THROW(fit_into("run", config, RunMode::kFresh), UsageError);
  config.optimiser.learning_rate = 0.5;
  EXPECT_THROW(fit_into("run", config, RunMode::kResume), UsageError);
}

TEST_F(Fitting, AFinishedRunResumedChangesNothing) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("run", config, RunMode::kFresh);
  const auto before = read_file(last("run") / "state.safetensors");
  EXPECT_TRUE(fit_into("run", config, RunMode::kResume).finished);
  EXPECT_EQ(read_file(last("run") / "state.safetensors"), before);
}

TEST_F(Fitting, ALossThatIsNotFiniteIsOneLine) {
  TrainConfig config = small_config();
  config.optimiser.learning_rate = 1e38;  // beyond what a config file may say: the first step overflows
  config.optimiser.head_multiplier = 1000;
  config.schedule = {.kind = ScheduleKind::kConstant};
  try {
    fit_into("run", config, RunMode::kFresh);
    FAIL();
  } catch (const DataError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("run: the loss is not finite at epoch "), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST_F(Fitting, AFolderThatCannotBeMadeIsAnIoError) {
  write_file_atomically(folder.path() / "file", std::string_view("x"));
  EXPECT_THROW(RunFolder(folder.path() / "file" / "run"), IoError);
}

TEST_F(Fitting, DamagedStateIsNamed) {
  TrainConfig config = small_config();
  config.epochs = 2;
  fit_into("run", config, RunMode::kFresh, [](std::uint64_t done) { return done == 2; });
  const auto path = last("run") / "state.safetensors";
  auto bytes = read_file(path);
  bytes.resize(bytes.size() / 2);
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
  try {
    fit_into("run", config, RunMode::kResume);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("state.safetensors"), std::string::npos);
  }
}

TEST_F(Fitting, NoCheckpointIsOneLine) {
  EXPECT_THROW(Grader::load(folder.path()), DataError);
  EXPECT_THROW(Grader::load("/nonexistent"), DataError);
}

// What a killed process leaves between its two renames is cleared away, and the links stay whole.
TEST_F(Fitting, StrayFoldersOfAKilledRunAreRemoved) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("run", config, RunMode::kFresh);
  const auto checkpoints = folder.path() / "run/checkpoints";
  std::filesystem::create_directories(checkpoints / ".step_0000000009.tmp");
  std::filesystem::create_directories(checkpoints / "step_0000000008");
  const RunFolder run(folder.path() / "run");
  EXPECT_FALSE(std::filesystem::exists(checkpoints / ".step_0000000009.tmp"));
  EXPECT_FALSE(std::filesystem::exists(checkpoints / "step_0000000008"));
  EXPECT_TRUE(run.last().has_value());
}

double overfit(TrainConfig config, int size_px) {
  config.data.batch_size = 10;
  config.model.dropout = 0;
  config.validation.flip_average = false;
  config.schedule = {.kind = ScheduleKind::kConstant};
  const TemporaryFolder folder;
  FakeSource one_batch({.sample_count = 10, .batch_size = 10, .size_px = size_px});
  RunFolder run(folder.path() / "run");
  fit(config, {.training = one_batch, .validation = nullptr, .grader = grader_for(config, size_px)}, run,
      RunMode::kFresh, {});
  return read_training_state(folder.path() / "run/last").rows.back().train_loss;
}

TEST_F(Fitting, OneBatchIsLearntByHeartByTheCustomCnn) {
  TrainConfig config;
  config.model.name = "custom_cnn";
  config.epochs = 25;
  config.optimiser.learning_rate = 1e-3;
  EXPECT_LT(overfit(config, 128), 1e-3);
}

TEST_F(Fitting, OneBatchIsLearntByHeartByMobileNetV2) {
  TrainConfig config;
  config.model.name = "mobilenet_v2";
  config.epochs = 50;
  config.optimiser.learning_rate = 3e-3;
  EXPECT_LT(overfit(config, 64), 1e-3);
}

TEST(TensorErrors, AreOneLineOfOurs) {
  EXPECT_THROW(tensor_work([] { return torch::empty({std::int64_t{1} << 50}); }), IoError);
  try {
    tensor_work([] { return torch::matmul(torch::zeros({2, 3}), torch::zeros({2, 3})); });
    FAIL();
  } catch (const InternalError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

TEST(EpochRows, SurviveTheRoundTripExactly) {
  const std::vector<EpochRow> rows = {
      {.epoch = 1, .steps = 10, .learning_rate = 1.0 / 3.0, .train_loss = 0.1 + 0.2, .validation = std::nullopt},
      {.epoch = 2,
       .steps = 20,
       .learning_rate = 1e-300,
       .train_loss = 7,
       .validation = EpochRow::Validation{
           .accuracy = 0.1, .balanced_accuracy = 0.7, .quadratic_kappa = -0.25, .mean_absolute_error = 1.0 / 7.0}}};
  EXPECT_EQ(parse_epoch_rows(epoch_rows_csv(rows), "x"), rows);
  EXPECT_THROW(parse_epoch_rows("epoch\n1\n", "x"), DataError);
}

TEST(TrainConfig, ReadsBackWhatItPrints) {
  TrainConfig config = small_config();
  config.loss.class_weights = {1, 0.5, 2, 1, 1};
  config.init.weights = "a b: c.safetensors";
  TrainConfig back;
  read_config(back, parse_yaml_text(to_yaml(config), "x"));
  EXPECT_EQ(back, config);
  GraderConfig grader = grader_for(config, 64);
  grader.preprocess = "size_px: 224\nfit: letterbox\n";
  GraderConfig grader_back;
  read_config(grader_back, parse_yaml_text(to_yaml(grader), "x"));
  EXPECT_EQ(grader_back, grader);
}

}  // namespace
}  // namespace genu::train
