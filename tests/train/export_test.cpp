#include "train/loop/export_grader.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "core/errors.h"
#include "core/files.h"
#include "tests/temporary_folder.h"
#include "tests/train/fake_shards.h"
#include "train/loop/batch_source.h"
#include "train/loop/checkpoint.h"
#include "train/loop/grader.h"
#include "train/loop/grading.h"
#include "train/loop/knee_statistics.h"
#include "train/metrics/calibration.h"
#include "train/metrics/scores.h"
#include "train/models/registry.h"

namespace genu::train {
namespace {

namespace fs = std::filesystem;
using pipeline::Source;
using pipeline::Split;
using testing::FakeRow;

constexpr int kSidePx = 32;

KneeStatistics by_hand() {
  return {.mean = torch::tensor({1.0F, 2.0F, 3.0F, 4.0F}),
          .axes = torch::tensor({{0.0F, 1.0F, 0.0F, 0.0F}, {1.0F, 0.0F, 0.0F, 0.0F}}),
          .axis_sd = torch::tensor({4.0F, 2.0F}),
          .rest_sd = torch::tensor(0.5F)};
}

TEST(KneeStatistics, DistanceMatchesClosedForm) {
  const torch::Tensor at = torch::tensor({{1.0F, 2.0F, 3.0F, 4.0F},    // the mean
                                          {1.0F, 14.0F, 3.0F, 4.0F},   // 3 SD along the first axis
                                          {-3.0F, 2.0F, 3.0F, 4.0F},   // 2 SD along the second
                                          {1.0F, 2.0F, 4.5F, 2.0F}});  // 3 and 4 SD off the axes
  const torch::Tensor distance = by_hand().distance(at);
  EXPECT_NEAR(distance[0].item<double>(), 0, 1e-9);
  EXPECT_NEAR(distance[1].item<double>(), 3 / 2.0, 1e-6);
  EXPECT_NEAR(distance[2].item<double>(), 2 / 2.0, 1e-6);
  EXPECT_NEAR(distance[3].item<double>(), 5 / 2.0, 1e-6);
}

// Variances are divided by n - 1, so that the mean square over what was fitted is (n - 1) / n, whatever the features.
TEST(KneeStatistics, FittedFeaturesAreAtDistanceOne) {
  torch::manual_seed(3);
  const std::int64_t n = 400;
  const torch::Tensor sd = torch::tensor({5.0F, 0.5F, 3.0F, 0.6F, 2.0F, 0.4F, 0.5F});
  const torch::Tensor mixing = std::get<0>(torch::linalg_qr(torch::randn({7, 7})));
  const torch::Tensor features = (torch::randn({n, 7}) * sd).matmul(mixing) + 10;
  const KneeStatistics fitted = fit_knee_statistics(features, 3);
  EXPECT_NEAR(fitted.distance(features).square().mean().item<double>(), (n - 1.0) / n, 1e-4);
  EXPECT_NEAR(fitted.axis_sd[0].item<double>(), 5, 0.5);
  EXPECT_NEAR(fitted.axis_sd[2].item<double>(), 2, 0.2);
  EXPECT_NEAR(fitted.rest_sd.item<double>(), 0.5, 0.05);
  EXPECT_TRUE(torch::allclose(fitted.axes.matmul(fitted.axes.t()), torch::eye(3), 1e-5, 1e-5));
  EXPECT_THROW(fit_knee_statistics(features, 7), DataError);
  EXPECT_THROW(fit_knee_statistics(torch::ones({5, 7}), 3), DataError);
}

TEST(KneeStatistics, LimitLeavesTheStatedShareWithin) {
  const torch::Tensor distances = torch::arange(200, 0, -1).to(torch::kFloat64);
  EXPECT_EQ(distance_quantile(distances, 0.995), 199);
  EXPECT_EQ(distance_quantile(distances, 0.5), 100);
  EXPECT_EQ(distance_quantile(distances, 1), 200);
}

TEST(KneeStatistics, FilesComeBackAndDamageIsNamed) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "knees.safetensors";
  write_knee_statistics(path, by_hand());
  const KneeStatistics back = read_knee_statistics(path);
  const torch::Tensor somewhere = torch::randn({3, 4});
  EXPECT_TRUE(torch::equal(back.distance(somewhere), by_hand().distance(somewhere)));
  const auto expect_refused = [&](KneeStatistics wrong) {
    write_knee_statistics(path, wrong);
    try {
      read_knee_statistics(path);
      FAIL();
    } catch (const DataError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path.string())) << error.what();
    }
  };
  for (int fault = 0; fault < 5; ++fault) {
    KneeStatistics wrong = by_hand();
    if (fault == 0) wrong.axis_sd = torch::tensor({1.0F, 0.0F});
    if (fault == 1) wrong.axis_sd = torch::tensor({1.0F});
    if (fault == 2) wrong.rest_sd = torch::tensor(std::nanf(""));
    if (fault == 3) wrong.mean = torch::zeros({3});
    if (fault == 4) wrong.axes = torch::eye(4);
    expect_refused(wrong);
  }
}

// A checkpoint with weights as drawn, over shards of 40 train and 30 val "knees".
class Export : public ::testing::Test {
 protected:
  Export() {
    torch::set_num_threads(1);
    std::vector<FakeRow> rows;
    for (int i = 0; i < 40; ++i) rows.push_back({Split::kTrain, Source::kMendeley, i % 5});
    for (int i = 0; i < 30; ++i) rows.push_back({Split::kVal, Source::kMendeley, i % 5});
    for (int i = 0; i < 5; ++i) rows.push_back({Split::kTrain, Source::kSynthetic, i % 5});
    shards = testing::make_fake_shards(folder.path() / "shards", rows, kSidePx);
    torch::manual_seed(1);
    config.model.name = "mobilenet_v2";
    GraderConfig grader;
    grader.model = config.model;
    grader.size_px = kSidePx;
    grader.preprocess = shards->preprocess_yaml();
    grader.shards_sha256 = shards->index_sha256();
    const auto model = make_model(config.model);
    {
      const torch::NoGradGuard no_grad;
      const auto source = real(Split::kTrain);
      pipeline::Batch batch;
      source->seek(0, 0);
      source->next(batch);
      for (int i = 0; i < 40; ++i) model->forward(pixels_tensor(batch));  // batch norm's statistics
    }
    StateDict weights = state_dict(*model);
    weights.at("classifier.1.weight") = weights.at("classifier.1.weight") * 10;  // decided grades, though wrong ones
    make_folders(checkpoint());
    write_checkpoint(checkpoint(), {.weights = weights, .grader = grader, .config = config, .state = {}});
  }

  std::unique_ptr<BatchSource> real(Split split) const {
    return evaluation_source(shards, {.split = split, .source = SourceChoice::kReal},
                             pipeline::Normalisation::kPerImage, {.size_px = kSidePx});
  }
  fs::path checkpoint() const { return folder.path() / "run"; }
  ExportOutcome export_to(const std::string& name, const ExportOptions& options = {.components = 6}) const {
    return export_grader(checkpoint(), shards, options, folder.path() / name);
  }
  std::vector<Prediction> grades(const std::string& name, Split split = Split::kVal) const {
    return Grader::load(folder.path() / name).grade(*real(split));
  }
  std::set<std::string> files(const std::string& name) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path() / name)) names.insert(entry.path().filename());
    return names;
  }

  TemporaryFolder folder;
  TrainConfig config;
  std::shared_ptr<const pipeline::ShardSet> shards;
};

TEST_F(Export, HoldsTheSameWeightsAndNothingOfTraining) {
  const ExportOutcome outcome = export_to("small");
  EXPECT_EQ(files("small"), (std::set<std::string>{"grader.yaml", "knees.safetensors", "model.safetensors"}));
  EXPECT_EQ(read_file(folder.path() / "small/model.safetensors"), read_file(checkpoint() / "model.safetensors"));
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "small")) bytes += entry.file_size();
  EXPECT_EQ(outcome.bytes, bytes);
  EXPECT_EQ(outcome.train_samples, 40U);  // real ones
  EXPECT_EQ(outcome.val_samples, 30U);
  export_to("again");
  for (const std::string& file : files("small")) {
    EXPECT_EQ(read_file(folder.path() / "small" / file), read_file(folder.path() / "again" / file)) << file;
  }
  // Of an exported one again.
  export_grader(folder.path() / "small", shards, {.components = 6}, folder.path() / "third");
  EXPECT_EQ(read_file(folder.path() / "third/grader.yaml"), read_file(folder.path() / "small/grader.yaml"));
}

TEST_F(Export, TemperatureScalesEveryProbabilityAndNoGrade) {
  const ExportOutcome outcome = export_to("small");
  ASSERT_TRUE(outcome.temperature.has_value());
  const auto before = grades("run"), after = grades("small");
  EXPECT_GT(before.front().probabilities[static_cast<std::size_t>(before.front().predicted())], 0.3);
  ASSERT_EQ(before.size(), after.size());
  EXPECT_EQ(*outcome.temperature, fit_temperature(before));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].predicted(), before[i].predicted());
    EXPECT_EQ(after[i].probabilities, scale_temperature(before[i], *outcome.temperature).probabilities);
  }
  EXPECT_LT(log_loss(after), log_loss(before));
  // A picture alone as in a batch.
  const auto samples = shards->select({.split = Split::kVal, .source = {}, .variants = {}});
  const auto pixels = shards->copy_pixels(samples.front());
  const pipeline::GreyView view{pixels.data(), kSidePx, kSidePx};
  const Graded one = Grader::load(folder.path() / "small").grade({&view, 1}).front();
  for (std::size_t k = 0; k < one.probabilities.size(); ++k) {
    EXPECT_NEAR(one.probabilities[k], after.front().probabilities[k], 1e-5);
  }
  export_to("plain", {.fit_temperature = false, .components = 0});
  EXPECT_EQ(grades("plain").front().probabilities, before.front().probabilities);
  EXPECT_EQ(files("plain"), (std::set<std::string>{"grader.yaml", "model.safetensors"}));
}

TEST_F(Export, RefusesTheShareOfTrainingKneesThatIsBeyondTheQuantile) {
  export_to("small", {.components = 6, .quantile = 0.9});
  const Grader grader = Grader::load(folder.path() / "small");
  int strangers = 0;
  for (const std::size_t i : shards->select({.split = Split::kTrain, .source = Source::kMendeley, .variants = {}})) {
    const auto pixels = shards->copy_pixels(i);
    const pipeline::GreyView view{pixels.data(), kSidePx, kSidePx};
    const Graded graded = grader.grade({&view, 1}).front();
    ASSERT_TRUE(graded.distance.has_value());
    if (grader.is_stranger(graded.distance)) ++strangers;
  }
  EXPECT_NEAR(strangers, 4, 1);  // of 40; a picture alone rounds otherwise than in a batch
  EXPECT_TRUE(grader.is_stranger(std::nan("")));
  EXPECT_FALSE(grader.is_stranger(std::nullopt));
}

TEST_F(Export, HalfIsHalfAsLargeAndGradesAlike) {
  const ExportOutcome whole = export_to("whole", {.fit_temperature = false, .components = 0});
  const ExportOutcome half =
      export_to("half", {.storage = WeightStorage::kHalf, .fit_temperature = false, .components = 0});
  EXPECT_LT(static_cast<double>(half.bytes), 0.55 * static_cast<double>(whole.bytes));
  const Safetensors file = Safetensors::read(folder.path() / "half/model.safetensors");
  EXPECT_EQ(file.tensor("classifier.1.weight").type, ElementType::kF16);
  EXPECT_EQ(file.tensor("classifier.1.bias").type, ElementType::kF32);
  EXPECT_EQ(file.tensor("features.0.1.running_var").type, ElementType::kF32);
  const auto exact = grades("whole"), rounded = grades("half");
  for (std::size_t i = 0; i < exact.size(); ++i) {
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(rounded[i].probabilities[k], exact[i].probabilities[k], 5e-3);
    }
  }
}

TEST_F(Export, ABandOfRowsIsGradedAndExplainedAlone) {
  GraderConfig grader = read_grader_config(checkpoint());
  grader.rows = {0.25, 0.75};
  write_file_atomically(checkpoint() / "grader.yaml", to_yaml(grader));
  const Grader banded = Grader::load(checkpoint());
  const int side = kSidePx, first = side / 4, last = side - first;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(side * side));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>((i * i * 31) % 253);
  std::vector<std::uint8_t> other = pixels;  // differs above and below the band alone
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const int row = static_cast<int>(i) / side;
    if (row < first || row >= last) other[i] = static_cast<std::uint8_t>(255 - other[i]);
  }
  const std::vector<pipeline::GreyView> views = {{pixels.data(), side, side}, {other.data(), side, side}};
  const std::vector<Explanation> seen = banded.explain(views, {.target = ExplainOptions::Target::kPredicted});
  EXPECT_EQ(seen[0].probabilities, seen[1].probabilities);
  ASSERT_EQ(seen[0].map.size(), pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const int row = static_cast<int>(i) / side;
    if (row < first || row >= last) {
      EXPECT_EQ(seen[0].map[i], 0) << row;
    }
  }
  EXPECT_GT(*std::max_element(seen[0].map.begin(), seen[0].map.end()), 0);
  // Exported with it, too.
  export_to("banded");
  EXPECT_EQ(read_grader_config(folder.path() / "banded").rows, grader.rows);
}

TEST_F(Export, AFileThatWasChangedIsNamed) {
  export_to("small");
  for (const std::string name : {"model.safetensors", "knees.safetensors"}) {
    const fs::path path = folder.path() / "small" / name;
    const auto whole = read_file(path);
    auto changed = whole;
    changed.back() ^= 1;
    write_file_atomically(path, std::as_bytes(std::span(changed)));
    try {
      Grader::load(folder.path() / "small");
      FAIL() << name;
    } catch (const DataError& error) {
      EXPECT_EQ(std::string(error.what()),
                path.string() + ": not the file that grader.yaml beside it names; restore both or export again");
    }
    write_file_atomically(path, std::as_bytes(std::span(whole)));
  }
  EXPECT_NO_THROW(Grader::load(folder.path() / "small"));
}

TEST_F(Export, WhatFailsLeavesNothing) {
  make_folders(folder.path() / "there");
  EXPECT_THROW(export_to("there"), UsageError);
  const auto others =
      testing::make_fake_shards(folder.path() / "others", std::vector<FakeRow>(70, {Split::kVal}), kSidePx);
  EXPECT_THROW(export_grader(checkpoint(), others, {}, folder.path() / "other"), DataError);
  EXPECT_THROW(export_to("many", {.components = 2000}), DataError);
  const auto before = files("");
  EXPECT_EQ(before, (std::set<std::string>{"shards", "run", "there", "others"}));
  EXPECT_TRUE(files("there").empty());
}

}  // namespace
}  // namespace genu::train
