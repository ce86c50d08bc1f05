#include "train/metrics/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/files.h"
#include "core/random.h"
#include "tests/temporary_folder.h"
#include "train/metrics/predictions_file.h"
#include "train/metrics/scores.h"

namespace genu::train {
namespace {

nlohmann::json fixture() {
  return nlohmann::json::parse(read_text_file(GENU_SOURCE_DIR "/tests/train/fixtures/significance.json"));
}

// Relative for large values, absolute below 1.
void expect_close(double value, double wanted, double tolerance) {
  EXPECT_NEAR(value, wanted, tolerance * std::max(1.0, std::abs(wanted)));
}

TEST(Significance, AnovaEqualsSciPys) {
  const auto examples = fixture()["anova"];
  ASSERT_GE(examples.size(), 6U);
  for (const auto& example : examples) {
    const auto anova = one_way_anova(example["groups"].get<std::vector<std::vector<double>>>());
    ASSERT_TRUE(anova.has_value());
    expect_close(anova->f, example["f"], 1e-9);
    EXPECT_NEAR(anova->p, example["p"].get<double>(), 1e-12);
    EXPECT_NEAR(std::log(anova->p), std::log(example["p"].get<double>()), 1e-8);  // small ones too
  }
}

TEST(Significance, AnovaNeedsSpreadAndTwoOfEach) {
  EXPECT_FALSE(one_way_anova({{1, 2}}).has_value());
  EXPECT_FALSE(one_way_anova({{1, 2}, {3}}).has_value());
  EXPECT_FALSE(one_way_anova({{0.1, 0.1, 0.1}, {0.7, 0.7, 0.7}}).has_value());  // their means round to others
  EXPECT_FALSE(one_way_anova({{1e-200, 2e-200}, {1, 1}}).has_value());
  EXPECT_FALSE(one_way_anova({{1, 1}, {2, 2}}).has_value());
}

TEST(Significance, McNemarEqualsSciPys) {
  const auto examples = fixture()["mcnemar"];
  ASSERT_GE(examples.size(), 6U);
  for (const auto& example : examples) {
    const McNemar test = mcnemar({example["only_a_right"], example["only_b_right"]});
    EXPECT_NEAR(test.exact_p, example["exact_p"].get<double>(), 1e-12) << example;
    EXPECT_NEAR(test.corrected_chi2, example["corrected_chi2"].get<double>(), 1e-12);
    EXPECT_NEAR(test.corrected_p, example["corrected_p"].get<double>(), 1e-12);
  }
}

std::vector<PairedGrades> bootstrap_samples(const nlohmann::json& example) {
  std::vector<PairedGrades> samples;
  for (std::size_t i = 0; i < example["subject"].size(); ++i) {
    samples.push_back({std::to_string(example["subject"][i].get<int>()),
                       example["label"][i],
                       {example["a"][i].get<int>()},
                       {example["b"][i].get<int>()}});
  }
  return samples;
}

// Both draw at random; 20,000 and 50,000 draws leave the ends uncertain by some hundredths of the interval.
TEST(PairedBootstrap, IntervalIsSciPys) {
  const nlohmann::json example = fixture()["bootstrap"];
  const auto rows = paired_bootstrap(bootstrap_samples(example), 5, {.replicates = 20000});
  const double low = example["low"], high = example["high"];
  ASSERT_TRUE(rows.front().interval.has_value());
  EXPECT_EQ(rows.front().metric, "accuracy");
  EXPECT_NEAR(rows.front().interval->low, low, 0.03 * (high - low));
  EXPECT_NEAR(rows.front().interval->high, high, 0.03 * (high - low));
}

// Knees of one person repeat each other: taken for independent ones, the interval would shrink by the root of two.
TEST(PairedBootstrap, TwinKneesAddNothing) {
  std::vector<PairedGrades> single, twice;
  RandomStream random(3, 0, "twins");
  for (int i = 0; i < 300; ++i) {
    const int label = static_cast<int>(random.integer(5));
    const PairedGrades sample{
        std::to_string(i), label, {random.bernoulli(0.6) ? label : 0}, {random.bernoulli(0.6) ? label : 0}};
    single.push_back(sample);
    twice.push_back(sample);
    twice.push_back(sample);
  }
  const auto once = paired_bootstrap(single, 5, {.replicates = 500}),
             both = paired_bootstrap(twice, 5, {.replicates = 500});
  for (std::size_t k = 0; k < once.size(); ++k) {
    EXPECT_NEAR(once[k].interval->low, both[k].interval->low, 1e-12);
    EXPECT_NEAR(once[k].interval->high, both[k].interval->high, 1e-12);
  }
}

TEST(PairedBootstrap, OrderAndSideDecideNothingButTheSign) {
  auto samples = bootstrap_samples(fixture()["bootstrap"]);
  const auto forward = paired_bootstrap(samples, 5, {.replicates = 300});
  std::reverse(samples.begin(), samples.end());
  const auto reordered = paired_bootstrap(samples, 5, {.replicates = 300});
  for (PairedGrades& sample : samples) std::swap(sample.a, sample.b);
  const auto swapped = paired_bootstrap(samples, 5, {.replicates = 300});
  for (std::size_t k = 0; k < forward.size(); ++k) {
    EXPECT_EQ(forward[k].interval->low, reordered[k].interval->low);
    EXPECT_EQ(forward[k].p, reordered[k].p);
    EXPECT_EQ(*forward[k].difference, -*swapped[k].difference);
    EXPECT_NEAR(forward[k].interval->low, -swapped[k].interval->high, 1e-12);
    EXPECT_EQ(forward[k].p, swapped[k].p);
  }
}

// p is uniform where there is no difference: 200 examples, at most 20 below 0.05 but for a chance of 0.1 %.
TEST(PairedBootstrap, FalseAlarmsAreAsRareAsPSays) {
  int alarms = 0;
  for (std::uint64_t example = 0; example < 200; ++example) {
    RandomStream random(7, example, "null");
    std::vector<PairedGrades> samples;
    for (int i = 0; i < 150; ++i) {
      const int label = static_cast<int>(random.integer(5));
      const auto guess = [&] { return random.bernoulli(0.6) ? label : static_cast<int>(random.integer(5)); };
      samples.push_back({std::to_string(i), label, {guess()}, {guess()}});
    }
    alarms += *paired_bootstrap(samples, 5, {.replicates = 200}).front().p < 0.05 ? 1 : 0;
  }
  EXPECT_LE(alarms, 20);
  EXPECT_GE(alarms, 2);
}

class Comparing : public ::testing::Test {
 protected:
  // 40 knees of 20 people, right with the given probability.
  static std::vector<Prediction> predictions(double skill, std::uint64_t seed) {
    std::vector<Prediction> out;
    RandomStream random(seed, 0, "comparing");
    for (int i = 0; i < 40; ++i) {
      Prediction row{"knee" + std::to_string(i), "subject" + std::to_string(i / 2), i % 5, std::vector<double>(5, 0.1)};
      const int guess = random.bernoulli(skill) ? row.label : static_cast<int>(random.integer(5));
      row.probabilities[static_cast<std::size_t>(guess)] = 0.6;
      out.push_back(row);
    }
    return out;
  }
  std::filesystem::path write(const std::string& name, const std::vector<Prediction>& rows) {
    const auto path = folder.path() / name / "predictions.csv";
    make_folders(path.parent_path());
    write_file_atomically(path, predictions_csv(rows));
    return path.parent_path();
  }
  std::string complaint(const std::vector<std::filesystem::path>& paths) {
    try {
      std::vector<Contender> contenders;
      for (const auto& path : paths) contenders.push_back(load_contender(path));
      compare(contenders, {.replicates = 10});
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder;
};

TEST_F(Comparing, PredictionsSurviveTheirFile) {
  auto rows = predictions(0.5, 1);
  rows[3].probabilities = {0.123456789F, 0.123456791F, 0.25F, 0.25F, 1.0F - 0.5F - 0.24691358F};
  const auto back = parse_predictions(predictions_csv(rows), "x");
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(back[i].sample_id, rows[i].sample_id);
    EXPECT_EQ(back[i].predicted(), rows[i].predicted());
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_EQ(static_cast<float>(back[i].probabilities[k]), static_cast<float>(rows[i].probabilities[k]));
    }
  }
}

TEST_F(Comparing, FilesFoldersAndOrderAreAlike) {
  auto rows = predictions(0.9, 2);
  const auto a = write("a", predictions(0.5, 1)), b = write("b", rows);
  std::reverse(rows.begin(), rows.end());
  const auto c = write("c", rows);
  const Comparison comparison =
      compare({load_contender(a), load_contender(b / "predictions.csv"), load_contender(c)}, {.replicates = 200});
  EXPECT_EQ(comparison.samples, 40U);
  EXPECT_EQ(comparison.subjects, 20U);
  ASSERT_EQ(comparison.pairs.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(comparison.pairs[0].differences[k].difference, comparison.pairs[1].differences[k].difference);
    EXPECT_EQ(comparison.pairs[2].differences[k].difference, 0.0);
    EXPECT_EQ(comparison.pairs[2].differences[k].p, 1.0);
  }
  EXPECT_EQ(comparison.pairs[2].mcnemar->only_a_right, 0);
  const Scores direct_a = score(predictions(0.5, 1)), direct_b = score(rows);
  EXPECT_NEAR(*comparison.pairs[0].differences[0].difference, direct_b.accuracy - direct_a.accuracy, 1e-12);
  EXPECT_NEAR(*comparison.pairs[0].differences[2].difference, *direct_b.quadratic_kappa - *direct_a.quadratic_kappa,
              1e-12);
  EXPECT_FALSE(comparison.metrics.front().anova.has_value());
  EXPECT_TRUE(nlohmann::json::accept(comparison_json(comparison)));
}

TEST_F(Comparing, RepeatedRunsGiveAnAnalysisOfVariance) {
  std::vector<std::vector<double>> accuracies(2);
  for (std::size_t side = 0; side < 2; ++side) {
    for (std::uint64_t run = 0; run < 4; ++run) {
      const auto rows = predictions(side == 0 ? 0.5 : 0.8, 10 * side + run + 1);
      write("side" + std::to_string(side) + "/repeat-0" + std::to_string(run), rows);
      accuracies[side].push_back(score(rows).accuracy);
    }
  }
  const Comparison comparison =
      compare({load_contender(folder.path() / "side0"), load_contender(folder.path() / "side1")}, {.replicates = 200});
  const auto wanted = one_way_anova(accuracies);
  ASSERT_TRUE(comparison.metrics.front().anova && wanted);
  EXPECT_EQ(comparison.metrics.front().metric, "accuracy");
  EXPECT_NEAR(comparison.metrics.front().anova->f, wanted->f, 1e-9);
  EXPECT_FALSE(comparison.pairs.front().mcnemar.has_value());
  EXPECT_NEAR(*comparison.pairs.front().differences.front().difference,
              comparison.metrics.front().groups[1].mean - comparison.metrics.front().groups[0].mean, 1e-12);
}

// A single cross-validated run: paired tests on the pooled folds, variance between folds.
TEST_F(Comparing, FoldsAreTheObservationsOfASingleRun) {
  const auto rows = predictions(0.7, 5);
  write("study/repeat-00", rows);
  write("study/repeat-00/fold-00", {rows.begin(), rows.begin() + 20});
  write("study/repeat-00/fold-01", {rows.begin() + 20, rows.end()});
  const Contender contender = load_contender(folder.path() / "study");
  EXPECT_EQ(contender.runs.size(), 1U);
  EXPECT_EQ(contender.observations.size(), 2U);
}

TEST_F(Comparing, OtherImagesAreRefusedInOneLine) {
  auto rows = predictions(0.5, 1);
  const auto a = write("a", rows);
  rows.pop_back();
  const auto b = write("b", rows);
  EXPECT_NE(complaint({a, b}).find("did not grade the same images: 'knee39' is in the first only"), std::string::npos);
  EXPECT_NE(complaint({b, a}).find("'knee39' is in the second only"), std::string::npos);
  rows = predictions(0.5, 1);
  rows[7].label = 4;
  EXPECT_NE(complaint({a, write("c", rows)}).find("'knee7' has another grade"), std::string::npos);
  EXPECT_NE(complaint({a, folder.path()}).find("'knee39' is in the first only"), std::string::npos);
  make_folders(folder.path() / "empty");
  EXPECT_NE(complaint({folder.path() / "empty"}).find("no predictions.csv here"), std::string::npos);
  EXPECT_THROW(load_contender("/nonexistent"), IoError);
  write_file_atomically(folder.path() / "bad.csv", "sample_id,subject,kl,predicted,p0,p1\nx,s,0,0,1.5,0\n");
  EXPECT_NE(complaint({folder.path() / "bad.csv"}).find("bad.csv:2: column 'p0' must lie in 0 .. 1"),
            std::string::npos);
}

}  // namespace
}  // namespace genu::train
