#include "train/forest/forest.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "core/files.h"
#include "core/log.h"
#include "core/module.h"
#include "core/random.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_source.h"
#include "train/loop/fit_forest.h"
#include "train/loop/grader.h"
#include "train/metrics/scores.h"

namespace genu::train {
namespace {

using testing::FakeOptions;
using testing::FakeSource;

// The forest's module lies beside the program where it is built at all.
bool has_module() { return std::filesystem::exists(module_path("libgenu_forest_module.so")); }

class Forests : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::kWarning);
    if (!has_module()) GTEST_SKIP() << "this build has no libgenu_forest_module.so";
  }

  // Grades 0 .. 4 by which of five pixels is bright; 59 pixels of noise.
  static ForestSamples easy(std::size_t count, std::uint64_t seed) {
    ForestSamples samples{.feature_count = 64, .features = std::vector<float>(64 * count), .grades = {}};
    RandomStream(seed, 0, "forest test").fill_normal(samples.features);
    for (std::size_t i = 0; i < count; ++i) {
      samples.grades.push_back(static_cast<std::int32_t>(i % 5));
      samples.features[64 * i + 10 * (i % 5)] += 6;
    }
    return samples;
  }

  static constexpr int kSidePx = 32;
  static TrainConfig config() {
    TrainConfig config;
    config.model.name = "random_forest";
    config.forest.trees = 40;
    return config;
  }
  FitOutcome fit_into(const std::string& name, const TrainConfig& config, RunMode mode) const {
    FakeSource training({.sample_count = 100, .batch_size = 8, .size_px = kSidePx});
    FakeSource validation(
        {.sample_count = 50, .batch_size = 7, .size_px = kSidePx, .seed = 2, .order = FakeOptions::Order::kStored});
    GraderConfig grader;
    grader.model = config.model;
    grader.size_px = kSidePx;
    RunFolder run(folder.path() / name);
    return fit(config, {.training = training, .validation = &validation, .grader = grader}, run, mode, {});
  }

  TemporaryFolder folder;
};

TEST_F(Forests, LearnAnEasySetAndVote) {
  const Forest forest = grow_forest(easy(200, 1), 5, {}, 7);
  EXPECT_EQ(forest.roots.size(), 100U);
  const ForestSamples fresh = easy(100, 2);
  int right = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    const auto votes = forest.vote(std::span(fresh.features).subspan(64 * i, 64));
    double sum = 0;
    for (const double share : votes) sum += share;
    EXPECT_NEAR(sum, 1, 1e-12);
    right += std::max_element(votes.begin(), votes.end()) - votes.begin() == fresh.grades[i] ? 1 : 0;
  }
  EXPECT_GE(right, 90);
}

TEST_F(Forests, TheSeedDecidesEveryBit) {
  const ForestConfig config{.trees = 10};
  const Forest first = grow_forest(easy(60, 1), 5, config, 7);
  grow_forest(easy(60, 3), 5, config, 9);  // leaves nothing behind
  EXPECT_EQ(first, grow_forest(easy(60, 1), 5, config, 7));
  EXPECT_NE(first, grow_forest(easy(60, 1), 5, config, 8));
}

TEST_F(Forests, ARunIsACheckpointThatGrades) {
  const FitOutcome outcome = fit_into("run", config(), RunMode::kFresh);
  EXPECT_TRUE(outcome.finished);
  ASSERT_TRUE(outcome.best.has_value());
  EXPECT_GT(outcome.best->accuracy, 0.8);
  const Grader grader = Grader::load(folder.path() / "run");
  FakeSource validation(
      {.sample_count = 50, .batch_size = 50, .size_px = kSidePx, .seed = 2, .order = FakeOptions::Order::kStored});
  EXPECT_EQ(score(grader.grade(validation)).accuracy, outcome.best->accuracy);
  const std::vector<std::uint8_t> grey(kSidePx * kSidePx, 100);
  const pipeline::GreyView view{grey.data(), kSidePx, kSidePx};
  const Graded graded = grader.grade({&view, 1}).front();
  EXPECT_EQ(graded.probabilities.size(), 5U);
  EXPECT_FALSE(graded.distance.has_value());
  EXPECT_THROW(grader.explain({&view, 1}, {}), UsageError);
}

TEST_F(Forests, ARunIsNotOverwrittenAndResumesToItself) {
  fit_into("a", config(), RunMode::kFresh);
  EXPECT_THROW(fit_into("a", config(), RunMode::kFresh), UsageError);
  const auto before = read_file(folder.path() / "a/last/model.safetensors");
  EXPECT_TRUE(fit_into("a", config(), RunMode::kResume).finished);
  EXPECT_EQ(read_file(folder.path() / "a/last/model.safetensors"), before);
  fit_into("b", config(), RunMode::kResume);
  EXPECT_EQ(read_file(folder.path() / "b/last/model.safetensors"), before);
  TrainConfig other = config();
  other.seed = 1;
  EXPECT_THROW(fit_into("a", other, RunMode::kResume), UsageError);
}

TEST_F(Forests, ADamagedFileIsOneLine) {
  const auto path = folder.path() / "model.safetensors";
  const Forest whole = grow_forest(easy(60, 1), 5, {.trees = 3}, 7);
  write_forest(path, whole);
  EXPECT_EQ(read_forest(path, 5, 64), whole);
  const auto fault = [&](const Forest& forest) -> std::string {
    write_forest(path, forest);
    try {
      read_forest(path, 5, 64);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  const std::string expected = path.string() + ": a damaged forest; train it again";
  std::size_t inner = 0;
  while (whole.feature[inner] < 0) ++inner;
  for (const std::int32_t wrong : {-1, static_cast<std::int32_t>(inner), 1 << 20}) {
    Forest forest = whole;
    forest.left[inner] = wrong;  // outside, or a walk that never ends
    EXPECT_EQ(fault(forest), expected);
  }
  Forest forest = whole;
  forest.feature[inner] = 64;
  EXPECT_EQ(fault(forest), expected);
  forest = whole;
  forest.grade.back() = 5;
  EXPECT_EQ(fault(forest), expected);
  forest = whole;
  forest.roots = {1 << 20};
  EXPECT_EQ(fault(forest), expected);
  forest = whole;
  forest.threshold.pop_back();
  EXPECT_EQ(fault(forest), expected);
  // Cut short: the container itself says so.
  write_forest(path, whole);
  auto bytes = read_file(path);
  bytes.resize(bytes.size() - 10);
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
  EXPECT_THROW(read_forest(path, 5, 64), DataError);
}

TEST_F(Forests, OneGradeAloneStillGrows) {
  ForestSamples samples = easy(20, 1);
  samples.grades.assign(20, 3);
  const Forest forest = grow_forest(samples, 5, {.trees = 2}, 1);
  EXPECT_EQ(forest.vote(std::span(samples.features).first(64))[3], 1.0);
}

}  // namespace
}  // namespace genu::train
