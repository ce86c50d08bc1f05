#include "train/loop/fit.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <stdexcept>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_source.h"
#include "train/loop/checkpoint.h"
#include "train/loop/feature_cache.h"
#include "train/loop/grader.h"
#include "train/loop/optimiser.h"
#include "train/loop/tensor_errors.h"
#include "train/metrics/predictions_file.h"
#include "train/metrics/scores.h"
#include "train/models/vision_transformer.h"

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

TEST(Precision, AutoIsDecidedAndTheOthersStay) {
  EXPECT_NE(resolved(Precision::kAuto), Precision::kAuto);
  EXPECT_EQ(resolved(Precision::kBf16), Precision::kBf16);
  EXPECT_EQ(resolved(Precision::kFp32), Precision::kFp32);
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
  ASSERT_TRUE(outcome.best.has_value());
  EXPECT_EQ(outcome.best->quadratic_kappa, best);
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

// A kill leaves no such thing; a copy that broke off does. Nothing may be begun anew over it.
TEST_F(Fitting, ALinkToACheckpointWithoutWeightsIsNamedAndKept) {
  TrainConfig config = small_config();
  config.epochs = 1;
  for (const char* link : {"last", "best"}) {
    const std::string name = std::string("run_") + link;
    fit_into(name, config, RunMode::kFresh);
    std::filesystem::remove(folder.path() / name / link / "model.safetensors");
    for (const RunMode mode : {RunMode::kFresh, RunMode::kResume}) {
      try {
        fit_into(name, config, mode);
        FAIL() << link;
      } catch (const DataError& error) {
        EXPECT_NE(std::string(error.what()).find(": leads to a checkpoint without model.safetensors"),
                  std::string::npos)
            << error.what();
      }
      EXPECT_TRUE(std::filesystem::exists(last(name) / "state.safetensors"));
    }
  }
}

// Killed after the link of the last checkpoint has swung over and before that of the best.
TEST_F(Fitting, KilledBetweenTheLinksAndResumedHasTheBest) {
  TrainConfig config = small_config();
  config.epochs = 1;
  for (const bool had_one : {false, true}) {
    const auto run = folder.path() / (had_one ? "had_one" : "had_none");
    fit_into(run.filename().string(), config, RunMode::kFresh);
    std::filesystem::remove(run / "best");
    if (had_one) {
      std::filesystem::copy(std::filesystem::canonical(run / "last"), run / "checkpoints/step_0000000001");
      std::filesystem::create_symlink("checkpoints/step_0000000001", run / "best");
    }
    EXPECT_TRUE(fit_into(run.filename().string(), config, RunMode::kResume).finished);
    EXPECT_EQ(std::filesystem::canonical(run / "best"), std::filesystem::canonical(run / "last"));
    EXPECT_FALSE(std::filesystem::exists(run / "checkpoints/step_0000000001"));
  }
}

TEST_F(Fitting, ARunThatGoesOnNeedsItsInitialWeightsNoMore) {
  TrainConfig config = small_config();
  fit_into("first", config, RunMode::kFresh);
  config.init.weights = (folder.path() / "weights.safetensors").string();
  std::filesystem::copy_file(last("first") / "model.safetensors", config.init.weights);
  fit_into("whole", config, RunMode::kFresh);
  fit_into("stopped", config, RunMode::kFresh, [](std::uint64_t done) { return done == 5; });
  std::filesystem::remove(config.init.weights);
  fit_into("stopped", config, RunMode::kResume);
  expect_same_checkpoint("whole", "stopped");
  EXPECT_THROW(fit_into("fresh", config, RunMode::kFresh), IoError);
}

TEST_F(Fitting, ADivergedCheckpointGradesNothing) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("run", config, RunMode::kFresh);
  const auto file = last("run") / "model.safetensors";
  StateDict weights = read_weights(file);
  weights.at("classifier.1.bias")[2] = std::nanf("");
  write_safetensors(file, weights, {});
  FakeSource source({.sample_count = 5, .batch_size = 5, .size_px = size_px, .order = FakeOptions::Order::kStored});
  try {
    Grader::load(last("run")).grade(source);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("model.safetensors: its probabilities are no numbers"), std::string::npos)
        << error.what();
  }
}

TEST_F(Fitting, ADamagedConfigOfACheckpointIsNamed) {
  TrainConfig config = small_config();
  config.epochs = 1;
  fit_into("run", config, RunMode::kFresh);
  const auto path = last("run") / "grader.yaml";
  const std::string whole = read_text_file(path);
  const auto at = whole.find("size_px:");
  const std::string without_size = whole.substr(0, at) + whole.substr(whole.find('\n', at) + 1);
  for (const std::string& text :
       {without_size, whole.substr(0, whole.size() / 2) + ": {", std::string("size_px: many\n")}) {
    write_file_atomically(path, std::string_view(text));
    try {
      Grader::load(last("run"));
      FAIL() << text;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  }
}

// The same batch again and again: an epoch of several steps, so that few checkpoints are written.
class RepeatedBatch : public FakeSource {
 public:
  RepeatedBatch(int size_px, std::size_t steps)
      : FakeSource({.sample_count = 10, .batch_size = 10, .size_px = size_px, .order = FakeOptions::Order::kStored}),
        steps_(steps) {}
  std::size_t batches_per_epoch() const override { return steps_; }
  void next(pipeline::Batch& batch) override {
    FakeSource::seek(0, 0);
    FakeSource::next(batch);
  }

 private:
  std::size_t steps_;
};

// Mean loss over the last fifth of the steps.
double overfit(TrainConfig config, int size_px, std::size_t steps) {
  config.epochs = 5;
  config.data.batch_size = 10;
  config.model.dropout = 0;
  config.validation.flip_average = false;
  config.schedule = {.kind = ScheduleKind::kConstant};
  const TemporaryFolder folder;
  RepeatedBatch one_batch(size_px, steps / 5);
  RunFolder run(folder.path() / "run");
  fit(config, {.training = one_batch, .validation = nullptr, .grader = grader_for(config, size_px)}, run,
      RunMode::kFresh, {});
  return read_training_state(folder.path() / "run/last").rows.back().train_loss;
}

struct Overfit {
  const char* model;
  int size_px;
  std::size_t steps;
  double learning_rate;
  HeadChoice head = HeadChoice::kNative;
  LossKind loss = LossKind::kCrossEntropy;
};

class OverfitOneBatch : public Fitting, public ::testing::WithParamInterface<Overfit> {};

// Every family learns one batch by heart, at small sides so that the tests stay quick.
TEST_P(OverfitOneBatch, TheLossGoesToZero) {
  const Overfit& row = GetParam();
  TrainConfig config;
  config.model = {.name = row.model, .head = row.head};
  config.loss.kind = row.loss;
  config.optimiser.learning_rate = row.learning_rate;
  EXPECT_LT(overfit(config, row.size_px, row.steps), 2e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Families, OverfitOneBatch,
    ::testing::Values(Overfit{"custom_cnn", 128, 30, 1e-3}, Overfit{"mobilenet_v1", 32, 50, 3e-3},
                      Overfit{"mobilenet_v2", 64, 60, 3e-3}, Overfit{"resnet_18", 32, 35, 1e-3},
                      Overfit{"vgg_16", 32, 40, 3e-4, HeadChoice::kLinear}, Overfit{"densenet_121", 32, 40, 3e-3},
                      Overfit{"efficientnet_b0", 32, 60, 3e-3}, Overfit{"xception", 75, 25, 1e-3},
                      Overfit{"compact_resnet", 64, 50, 3e-3},
                      Overfit{"compact_resnet", 64, 50, 3e-3, HeadChoice::kOrdinal, LossKind::kCorn}),
    [](const auto& row) { return std::string(row.param.model) + (row.param.loss == LossKind::kCorn ? "_corn" : ""); });

// ViT-B/16 takes 224 px alone and 86 M parameters; its layers are tried in a small one.
TEST(VisionTransformer, LearnsOneBatchByHeart) {
  torch::manual_seed(2);
  const auto model = make_vision_transformer(
      {.size_px = 32, .patch_px = 8, .layers = 2, .heads = 4, .width = 64, .mlp_width = 128}, {});
  Optimiser optimiser(parameter_groups(*model, {}), {});
  const torch::Tensor pixels = torch::randn({10, 1, 32, 32});
  const torch::Tensor labels = torch::arange(10) % 5;
  double loss = 1;
  for (int step = 0; step < 300; ++step) {
    optimiser.zero_grad();
    const torch::Tensor value = torch::cross_entropy_loss(model->forward(pixels), labels);
    value.backward();
    optimiser.step(3e-3);
    loss = value.item<double>();
  }
  EXPECT_LT(loss, 2e-3);
}

// ---- phases, schedules and the rest of the loop ----

TEST_F(Fitting, TwoPhasesStoppedAnywhereAndResumedEqualUninterrupted) {
  TrainConfig config = small_config();
  config.epochs = PhaseConfig{}.epochs;
  config.optimiser = {};
  config.schedule = {};
  PhaseConfig head{.epochs = 1, .freeze = {.policy = FreezePolicy::kHeadOnly}};
  PhaseConfig tune{.epochs = 2, .freeze = {.policy = FreezePolicy::kGradual, .blocks = 3}};
  tune.loss.kind = LossKind::kFocal;
  tune.optimiser = {.kind = OptimiserKind::kSgd, .learning_rate = 0.05};
  tune.schedule.kind = ScheduleKind::kStep;
  tune.schedule.every_epochs = 1;
  config.phases = {head, tune};
  fit_into("whole", config, RunMode::kFresh);
  EXPECT_EQ(read_training_state(last("whole")).rows.back().phase, 2U);
  EXPECT_EQ(read_training_state(last("whole")).rows.back().epoch, 3U);
  for (const std::uint64_t step : {2, 4, 5, 8, 10}) {
    const std::string name = "stopped" + std::to_string(step);
    fit_into(name, config, RunMode::kFresh, [&](std::uint64_t done) { return done == step; });
    EXPECT_TRUE(fit_into(name, config, RunMode::kResume).finished);
    expect_same_checkpoint("whole", name);
  }
}

TEST_F(Fitting, TheFirstPhaseMovesTheHeadAloneTheSecondMore) {
  TrainConfig config;
  config.model = {.name = "mobilenet_v2", .dropout = 0.3};
  config.phases = {PhaseConfig{.epochs = 1, .freeze = {.policy = FreezePolicy::kHeadOnly}}, PhaseConfig{.epochs = 1}};
  const auto weights_after = [&](const std::string& name, std::uint64_t steps) {
    fit_into(name, config, RunMode::kFresh, [&](std::uint64_t done) { return done == steps; });
    return read_weights(last(name) / "model.safetensors");
  };
  const StateDict first = weights_after("a", 2), second = weights_after("b", 4), third = weights_after("c", 6);
  const std::string feature = "features.3.conv.0.0.weight";
  EXPECT_TRUE(torch::equal(first.at(feature), second.at(feature)));
  EXPECT_FALSE(torch::equal(first.at("classifier.1.weight"), second.at("classifier.1.weight")));
  EXPECT_FALSE(torch::equal(second.at(feature), third.at(feature)));
}

TEST_F(Fitting, StoredFeaturesGiveTheSameTraining) {
  TrainConfig config = small_config();
  config.freeze = {.policy = FreezePolicy::kLastBlocks, .blocks = 2};
  fit_into("cached", config, RunMode::kFresh);
  config.freeze.cache_mb = 0;
  fit_into("computed", config, RunMode::kFresh);
  const auto cached = read_training_state(last("cached")).rows, computed = read_training_state(last("computed")).rows;
  ASSERT_EQ(cached.size(), computed.size());
  for (std::size_t i = 0; i < cached.size(); ++i) {
    EXPECT_NEAR(cached[i].train_loss, computed[i].train_loss, 1e-3 * computed[i].train_loss) << i;
  }
}

TEST(FeatureCache, ComputesEachImageOnceAndKeepsToItsMemory) {
  torch::manual_seed(1);
  const auto model = make_model({.name = "compact_resnet"});
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randn({3, 1, 64, 64});
  for (const std::size_t blocks : {4, 9}) {
    FeatureCache cache(*model, {.blocks = blocks, .largest_bytes = 1 << 20, .image_count = 3});
    const torch::Tensor first = *cache.features(pixels, {7, 8, 9});
    EXPECT_EQ(cache.stored(), 3U);
    EXPECT_TRUE(torch::allclose(cache.finish(first), model->forward(pixels), 1e-4, 1e-5));
    // The pixels are not looked at again.
    EXPECT_TRUE(
        torch::equal(*cache.features(torch::zeros({2, 1, 64, 64}), {9, 7}), torch::stack({first[2], first[0]})));
    EXPECT_EQ(cache.stored(), 3U);
  }
  FeatureCache small(*model, {.blocks = 4, .largest_bytes = 1000, .image_count = 3});
  EXPECT_FALSE(small.features(pixels, {7, 8, 9}).has_value());
}

TEST_F(Fitting, PatienceEndsTheRun) {
  TrainConfig config = small_config();
  config.epochs = 30;
  config.optimiser.learning_rate = 0;  // nothing improves after the first epoch
  config.validation.patience = 2;
  config.validation.metric = ScoreChoice::kMeanAbsoluteError;
  config.model.dropout = 0;
  const FitOutcome outcome = fit_into("run", config, RunMode::kFresh);
  EXPECT_TRUE(outcome.finished);
  EXPECT_LT(outcome.epochs_done, 30U);
  EXPECT_EQ(outcome.epochs_done, outcome.best_epoch + 2);
  EXPECT_TRUE(fit_into("run", config, RunMode::kResume).finished);
}

// Two batches of 5 in one step are one batch of 10 where nothing looks across the batch (no batch norm).
TEST_F(Fitting, AccumulatedBatchesAreOneLargeBatch) {
  TrainConfig config = small_config();
  config.model = {.name = "vgg_16", .dropout = 0, .head = HeadChoice::kLinear};
  config.optimiser = {.kind = OptimiserKind::kSgd, .learning_rate = 1e-3};
  config.epochs = 2;
  const auto run = [&](const std::string& name, int batch, int accumulate) {
    config.data.batch_size = batch;
    config.data.accumulate = accumulate;
    FakeSource training({.sample_count = 20, .batch_size = batch, .size_px = 32});
    RunFolder folder_of_run(folder.path() / name);
    fit(config, {.training = training, .validation = nullptr, .grader = grader_for(config, 32)}, folder_of_run,
        RunMode::kFresh, {});
    return read_training_state(last(name));
  };
  const TrainingState once = run("once", 10, 1), twice = run("twice", 5, 2), uneven = run("uneven", 5, 3);
  EXPECT_EQ(once.cursor.steps, 4U);
  EXPECT_EQ(twice.cursor.steps, 4U);
  EXPECT_EQ(uneven.cursor.steps, 4U);  // 3 batches and the one left over
  EXPECT_NEAR(once.rows[1].train_loss, twice.rows[1].train_loss, 1e-4);
  EXPECT_NE(once.rows[1].train_loss, uneven.rows[1].train_loss);
}

// A teacher of the fake knees: probability 0.92 of the true grade plus `shift`, round and round.
std::string lesson(std::size_t samples, int shift) {
  FakeSource source({.sample_count = samples});
  std::vector<Prediction> said;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const SampleIdentity identity = source.identity(sample);
    const int label = static_cast<int>(sample % 5);
    std::vector<double> probabilities(5, 0.02);
    probabilities[static_cast<std::size_t>((label + shift) % 5)] = 0.92;
    said.push_back({identity.sample_id, identity.subject, label, probabilities});
  }
  return predictions_csv(said);
}

class Taught : public Fitting {
 protected:
  TrainConfig taught(std::size_t samples, int shift, double weight) const {
    const auto path = folder.path() / "said.csv";
    write_file_atomically(path, std::string_view(lesson(samples, shift)));
    TrainConfig config = small_config();
    config.teacher = {.predictions = path.string(), .weight = weight, .sha256 = to_hex(sha256_file(path))};
    return config;
  }
  void expect_refusal(const std::string& name, const TrainConfig& config, RunMode mode, const std::string& told) {
    try {
      fit_into(name, config, mode, [](std::uint64_t) { return true; });  // after a step, were there one
      FAIL() << told;
    } catch (const DataError& error) {
      EXPECT_NE(std::string(error.what()).find(told), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("said.csv"), std::string::npos) << error.what();
    }
  }
};

// By its weight the network learns what the labels say or what the teacher does, which is another grade of every knee.
TEST_F(Taught, TheWeightSaysWhomTheNetworkFollows) {
  for (const double weight : {0.0, 1.0}) {
    TrainConfig config = taught(10, 1, weight);
    config.model = {.name = "custom_cnn", .dropout = 0};
    config.optimiser = {.learning_rate = 1e-3};
    config.schedule = {.kind = ScheduleKind::kConstant};
    RepeatedBatch training(128, 15);
    RunFolder run(folder.path() / (weight > 0 ? "teacher" : "labels"));
    fit(config, {.training = training, .validation = nullptr, .grader = grader_for(config, 128)}, run, RunMode::kFresh,
        {});
    FakeSource source({.sample_count = 10, .batch_size = 10, .size_px = 128, .order = FakeOptions::Order::kStored});
    for (const Prediction& said : Grader::load(run.path() / "last").grade(source)) {
      EXPECT_EQ(said.predicted(), (said.label + (weight > 0 ? 1 : 0)) % 5) << weight << " " << said.sample_id;
    }
  }
}

TEST_F(Taught, StoppedAndResumedEqualsUninterrupted) {
  const TrainConfig config = taught(20, 1, 0.5);
  fit_into("whole", config, RunMode::kFresh);
  fit_into("stopped", config, RunMode::kFresh, [](std::uint64_t done) { return done == 5; });
  fit_into("stopped", config, RunMode::kResume);
  expect_same_checkpoint("whole", "stopped");
}

TEST_F(Taught, AFileThatDoesNotFitIsOneLineBeforeTheFirstStep) {
  expect_refusal("few", taught(19, 0, 0.5), RunMode::kFresh, "says nothing of the training sample sample019");
  const TrainConfig config = taught(20, 0, 0.5);
  fit_into("begun", config, RunMode::kFresh, [](std::uint64_t done) { return done == 1; });
  write_file_atomically(config.teacher.predictions, std::string_view(lesson(20, 1)));
  expect_refusal("begun", config, RunMode::kResume, "is not the file that the run was begun with");
  TrainConfig hashed = config;  // as the command line does
  hashed.teacher.sha256 = to_hex(sha256_file(config.teacher.predictions));
  expect_refusal("begun", hashed, RunMode::kResume, "is not the file that ");
  TrainConfig twice = config;
  twice.teacher.sha256.clear();
  const std::string text = lesson(20, 0);
  write_file_atomically(config.teacher.predictions, std::string_view(text + text.substr(text.rfind("sample019"))));
  expect_refusal("twice", twice, RunMode::kFresh, "sample sample019 of subject subject009 stands twice");
  std::string sums = text;
  sums.replace(sums.rfind("0.92"), 4, "0.29");
  write_file_atomically(config.teacher.predictions, std::string_view(sums));
  expect_refusal("sums", twice, RunMode::kFresh, "the probabilities of sample sample019 have the sum 0.37");
}

TEST(TrainConfig, ATeacherNeedsOneOutputAGrade) {
  TrainConfig config;
  config.teacher.predictions = "said.csv";
  EXPECT_NO_THROW(check_config(config));
  config.model.head = HeadChoice::kOrdinal;
  config.loss.kind = LossKind::kCorn;
  EXPECT_THROW(check_config(config), ConfigError);
  config = {};
  config.teacher.predictions = "said.csv";
  config.model.name = "random_forest";
  EXPECT_THROW(check_config(config), ConfigError);
}

TEST(TrainConfig, PhasesStandAlone) {
  TrainConfig config;
  config.phases = {PhaseConfig{}, PhaseConfig{}};
  EXPECT_EQ(phases_of(config).size(), 2U);
  config.epochs = 3;
  EXPECT_THROW(phases_of(config), ConfigError);
  config.epochs = PhaseConfig{}.epochs;
  config.phases[1].loss.kind = LossKind::kCorn;
  EXPECT_THROW(phases_of(config), ConfigError);
  config.phases[0].loss.kind = LossKind::kCorn;
  EXPECT_THROW(phases_of(config), ConfigError);  // still the head of a softmax
  config.model.head = HeadChoice::kOrdinal;
  EXPECT_EQ(phases_of(config).size(), 2U);
}

TEST(TrainConfig, RowsAreForNetworksThatTakeAnySide) {
  TrainConfig config = small_config();
  config.data.rows = {0.3, 0.8};
  EXPECT_NO_THROW(check_config(config));
  config.data.rows = {0.8, 0.3};
  EXPECT_THROW(check_config(config), ConfigError);
  for (const char* name : {"vit_b_16", "random_forest"}) {
    TrainConfig fixed;
    fixed.model.name = name;
    EXPECT_NO_THROW(check_config(fixed)) << name;
    fixed.data.rows = {0.3, 0.8};
    EXPECT_THROW(check_config(fixed), ConfigError) << name;
  }
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
  const std::vector<EpochRow> rows = {{.epoch = 1,
                                       .phase = 1,
                                       .steps = 10,
                                       .learning_rate = 1.0 / 3.0,
                                       .train_loss = 0.1 + 0.2,
                                       .validation = std::nullopt},
                                      {.epoch = 2,
                                       .phase = 2,
                                       .steps = 20,
                                       .learning_rate = 1e-300,
                                       .train_loss = 7,
                                       .validation = EpochRow::Validation{.accuracy = 0.1,
                                                                          .balanced_accuracy = 0.7,
                                                                          .quadratic_kappa = -0.25,
                                                                          .mean_absolute_error = 1.0 / 7.0,
                                                                          .log_loss = 0.3}}};
  EXPECT_EQ(parse_epoch_rows(epoch_rows_csv(rows), "x"), rows);
  EXPECT_THROW(parse_epoch_rows("epoch\n1\n", "x"), DataError);
}

TEST(TrainConfig, ReadsBackWhatItPrints) {
  TrainConfig config = small_config();
  config.loss.class_weights = {1, 0.5, 2, 1, 1};
  config.data.rows = {0.25, 0.75};
  config.init.weights = "a b: c.safetensors";
  config.optimiser.groups = {{"features", 0.1}};
  config.phases = {PhaseConfig{.epochs = 2, .freeze = {.policy = FreezePolicy::kByName, .learn = {"a", "b"}}}, {}};
  TrainConfig back;
  read_config(back, parse_yaml_text(to_yaml(config), "x"));
  EXPECT_EQ(back, config);
  GraderConfig grader = grader_for(config, 64);
  grader.rows = {0.25, 0.75};
  grader.preprocess = "size_px: 224\nfit: letterbox\n";
  GraderConfig grader_back;
  read_config(grader_back, parse_yaml_text(to_yaml(grader), "x"));
  EXPECT_EQ(grader_back, grader);
}

}  // namespace
}  // namespace genu::train
