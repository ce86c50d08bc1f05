#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/files.h"
#include "core/random.h"
#include "tests/temporary_folder.h"
#include "train/loop/test_touches.h"
#include "train/metrics/calibration.h"
#include "train/metrics/report.h"
#include "train/metrics/roc.h"

namespace genu::train {
namespace {

constexpr double kTolerance = 1e-12;

std::vector<Prediction> fixture_predictions(const nlohmann::json& example) {
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < example["labels"].size(); ++i) {
    predictions.push_back({std::to_string(i), std::to_string(i / 2), example["labels"][i],
                           example["probabilities"][i].get<std::vector<double>>()});
  }
  return predictions;
}

nlohmann::json fixture() {
  return nlohmann::json::parse(read_text_file(GENU_SOURCE_DIR "/tests/train/fixtures/metrics.json"));
}

// The area under the points, by trapezia, is the area that scikit-learn's fixture states; ties make slanted lines.
TEST(Roc, CurveHasTheAreaUnderIt) {
  for (const auto& example : fixture()) {
    const auto predictions = fixture_predictions(example);
    for (int cls = 0; cls < 5; ++cls) {
      const auto points = roc_curve(predictions, cls);
      const auto& expected = example["auc"][static_cast<std::size_t>(cls)];
      ASSERT_EQ(points.empty(), expected.is_null());
      if (points.empty()) continue;
      EXPECT_EQ(points.front(), (RocPoint{0, 0}));
      EXPECT_EQ(points.back(), (RocPoint{1, 1}));
      double area = 0;
      for (std::size_t i = 1; i < points.size(); ++i) {
        area += 0.5 * (points[i].false_positive_rate - points[i - 1].false_positive_rate) *
                (points[i].true_positive_rate + points[i - 1].true_positive_rate);
      }
      EXPECT_NEAR(area, expected.get<double>(), kTolerance);
    }
  }
}

// One prediction that is certain of `guess`.
Prediction certain(int label, int guess, const std::string& subject = "s") {
  Prediction prediction{"id", subject, label, std::vector<double>(5, 0.0)};
  prediction.probabilities[static_cast<std::size_t>(guess)] = 1.0;
  return prediction;
}

TEST(Calibration, BinsHoldEveryPredictionOnce) {
  std::vector<Prediction> predictions = {certain(1, 1), certain(2, 1)};
  predictions.push_back({"id", "s", 0, {0.4, 0.3, 0.1, 0.1, 0.1}});
  const auto bins = reliability_bins(predictions);
  ASSERT_EQ(bins.size(), 15u);
  EXPECT_EQ(bins[14].count, 2u);
  EXPECT_EQ(bins[14].accuracy, 0.5);
  EXPECT_EQ(bins[14].mean_probability, 1.0);
  EXPECT_EQ(bins[5].count, 1u);  // (1/3, 0.4]: closed above
  EXPECT_EQ(bins[5].mean_probability, 0.4);
  EXPECT_EQ(bins[0].count, 0u);
}

TEST(Metrics, EqualScikitLearns) {
  for (const auto& example : fixture()) {
    const Scores scores = score(fixture_predictions(example));
    for (const NamedScore& named : summary(scores)) {
      ASSERT_TRUE(named.value.has_value()) << named.name;
      EXPECT_NEAR(*named.value, example[named.name].get<double>(), kTolerance) << named.name;
    }
    for (std::size_t cls = 0; cls < 5; ++cls) {
      EXPECT_NEAR(scores.classes[cls].precision, example["precision"][cls].get<double>(), kTolerance);
      EXPECT_NEAR(scores.classes[cls].recall, example["recall"][cls].get<double>(), kTolerance);
      EXPECT_NEAR(scores.classes[cls].f1, example["f1"][cls].get<double>(), kTolerance);
      ASSERT_EQ(scores.classes[cls].auc.has_value(), !example["auc"][cls].is_null());
      if (scores.classes[cls].auc) {
        EXPECT_NEAR(*scores.classes[cls].auc, example["auc"][cls].get<double>(), kTolerance);
      }
      for (std::size_t guess = 0; guess < 5; ++guess) {
        EXPECT_EQ(scores.confusion.at(static_cast<int>(cls), static_cast<int>(guess)),
                  example["confusion"][cls][guess].get<std::int64_t>());
      }
    }
  }
}

TEST(Calibration, TemperatureScalingRepairsOverconfidence) {
  // Probabilities that mean what they say, then sharpened threefold.
  std::vector<Prediction> predictions;
  for (int i = 0; i < 4000; ++i) {
    RandomStream stream(5, static_cast<std::uint64_t>(i), "calibration");
    std::vector<double> p(5);
    double sum = 0;
    for (double& value : p) sum += value = std::exp(1.5 * stream.normal());
    for (double& value : p) value /= sum;
    const int label = static_cast<int>(stream.categorical(p));
    predictions.push_back(scale_temperature({std::to_string(i), std::to_string(i / 2), label, p}, 1.0 / 3.0));
  }
  EXPECT_NEAR(fit_temperature(predictions), 3.0, 0.2);
  const double before = expected_calibration_error(predictions);
  const double after = expected_calibration_error(cross_scaled(predictions));
  EXPECT_GT(before, 0.15);
  EXPECT_LT(after, 0.03);
}

TEST(Calibration, ScalingKeepsThePredictedGradeAndTheSum) {
  const Prediction prediction{"id", "s", 2, {0.1, 0.2, 0.4, 0.3, 0.0}};
  for (const double temperature : {0.3, 1.0, 4.0}) {
    const Prediction scaled = scale_temperature(prediction, temperature);
    EXPECT_EQ(scaled.predicted(), 2);
    double sum = 0;
    for (const double p : scaled.probabilities) sum += p;
    EXPECT_NEAR(sum, 1.0, 1e-12);
  }
  EXPECT_NEAR(scale_temperature(prediction, 1.0).probabilities[1], 0.2, 1e-9);
}

// Two subjects: each is scaled by what the other one needs.
TEST(Calibration, NoSubjectIsJudgedByItself) {
  const Prediction sure_and_right{"a", "1", 0, {0.9, 0.1}}, sure_and_wrong{"b", "2", 1, {0.9, 0.1}};
  const auto scaled = cross_scaled({sure_and_right, sure_and_wrong});
  EXPECT_LT(scaled[0].probabilities[0], 0.6);   // the other was wrong: hot
  EXPECT_GT(scaled[1].probabilities[0], 0.99);  // the other was right: cold
}

TEST(Ensemble, AveragesProbabilitiesOfTheSameSamples) {
  const Prediction a{"id", "s", 0, {0.6, 0.4}}, b{"id", "s", 0, {0.1, 0.9}}, other{"x", "s", 0, {0.1, 0.9}};
  const auto mean = mean_predictions({{a}, {b}});
  EXPECT_NEAR(mean[0].probabilities[0], 0.35, 1e-12);
  EXPECT_EQ(mean[0].predicted(), 1);
  EXPECT_THROW(mean_predictions({{a}, {other}}), DataError);
  EXPECT_THROW(mean_predictions({{a}, {a, b}}), DataError);
}

TEST(TestTouches, AreCountedForEachSetOfShards) {
  const TemporaryFolder folder;
  EXPECT_EQ(count_test_touch(folder.path(), "aa"), 1);
  EXPECT_EQ(count_test_touch(folder.path(), "aa"), 2);
  EXPECT_EQ(count_test_touch(folder.path(), "bb"), 1);
  EXPECT_EQ(count_test_touch(folder.path(), "aa"), 3);
  // A run that validated on the test split looked once an epoch.
  write_file_atomically(folder.path() / "train.yaml", std::string_view("validation: {split: test}\n"));
  write_file_atomically(folder.path() / "grader.yaml", std::string_view("shards_sha256: aa\nsize_px: 64\n"));
  write_file_atomically(folder.path() / "metrics.csv", std::string_view("epoch\n1\n2\n"));
  EXPECT_EQ(count_test_touch(folder.path(), "aa"), 4 + 2);
  EXPECT_EQ(count_test_touch(folder.path(), "bb"), 2);
  write_file_atomically(folder.path() / "train.yaml", std::string_view("validation: {split: val}\n"));
  EXPECT_EQ(count_test_touch(folder.path(), "aa"), 5);
  write_file_atomically(folder.path() / "test_touches.json", std::string_view("[1"));
  EXPECT_THROW(count_test_touch(folder.path(), "aa"), DataError);
}

TEST(Metrics, HardestConfusionIsTheCommonestMistake) {
  ConfusionMatrix matrix(5);
  matrix.add(1, 1, 9);
  matrix.add(1, 0, 2);
  matrix.add(1, 2, 3);
  EXPECT_EQ(hardest_confusion(matrix, 1), (Confusion{2, 3}));
  EXPECT_FALSE(hardest_confusion(matrix, 4).has_value());
}

TEST(Metrics, PerfectAndReversedGradesHaveKappaOneAndMinusOne) {
  ConfusionMatrix perfect(5);
  ConfusionMatrix reversed(5);
  for (int grade = 0; grade < 5; ++grade) {
    perfect.add(grade, grade, 7);
    reversed.add(grade, 4 - grade, 7);
  }
  EXPECT_DOUBLE_EQ(*weighted_kappa(perfect, KappaWeights::kQuadratic), 1.0);
  EXPECT_DOUBLE_EQ(*weighted_kappa(reversed, KappaWeights::kQuadratic), -1.0);
  EXPECT_DOUBLE_EQ(within_one(reversed), 0.2);
  EXPECT_DOUBLE_EQ(mean_absolute_error(reversed), (4 + 2 + 0 + 2 + 4) / 5.0);
}

TEST(Metrics, KappaIsNotDefinedForOneClassOnBothSides) {
  ConfusionMatrix matrix(5);
  matrix.add(2, 2, 10);
  EXPECT_FALSE(weighted_kappa(matrix, KappaWeights::kQuadratic).has_value());
  EXPECT_DOUBLE_EQ(accuracy(matrix), 1.0);
}

TEST(Metrics, ConstantScoresHaveHalfTheArea) {
  EXPECT_DOUBLE_EQ(*area_under_roc({{0.5, ScoredSample::Truth::kPositive},
                                    {0.5, ScoredSample::Truth::kNegative},
                                    {0.5, ScoredSample::Truth::kNegative}}),
                   0.5);
  EXPECT_FALSE(area_under_roc({{0.5, ScoredSample::Truth::kPositive}}).has_value());
}

TEST(Metrics, AreaEqualsPairwiseCountTwin) {
  RandomStream stream(3, 0, "auc");
  std::vector<ScoredSample> samples;
  for (int i = 0; i < 201; ++i) {
    samples.push_back({static_cast<double>(stream.integer(12)),
                       stream.bernoulli(0.3) ? ScoredSample::Truth::kPositive : ScoredSample::Truth::kNegative});
  }
  double wins = 0;
  double pairs = 0;
  for (const auto& a : samples) {
    for (const auto& b : samples) {
      if (a.truth != ScoredSample::Truth::kPositive || b.truth != ScoredSample::Truth::kNegative) continue;
      wins += a.score > b.score ? 1.0 : a.score == b.score ? 0.5 : 0.0;
      ++pairs;
    }
  }
  EXPECT_DOUBLE_EQ(*area_under_roc(samples), wins / pairs);
}

TEST(Metrics, RefuseWhatIsNotAClass) {
  EXPECT_THROW(score({certain(5, 0)}), DataError);
  EXPECT_THROW(score({certain(-1, 0)}), DataError);
  EXPECT_THROW(score({}), DataError);
  EXPECT_THROW(area_under_roc({{std::nan(""), ScoredSample::Truth::kPositive}}), DataError);
}

TEST(Bootstrap, IntervalsAreAFunctionOfTheSeedAndHoldTheValue) {
  const auto predictions = fixture_predictions(fixture()[4]);
  const BootstrapOptions options{.replicates = 200, .confidence = 0.95, .seed = 5};
  const auto first = bootstrap_intervals(predictions, options);
  auto shuffled = predictions;
  std::reverse(shuffled.begin(), shuffled.end());
  const auto again = bootstrap_intervals(shuffled, options);
  const auto values = summary(score(predictions));
  for (std::size_t k = 0; k < first.size(); ++k) {
    ASSERT_TRUE(first[k].interval.has_value()) << first[k].name;
    EXPECT_NEAR(first[k].interval->low, again[k].interval->low, 1e-12) << first[k].name;
    EXPECT_LT(first[k].interval->low, *values[k].value) << first[k].name;
    EXPECT_GT(first[k].interval->high, *values[k].value) << first[k].name;
  }
}

// 400 subjects of one or of four identical knees: the interval must depend on the number of subjects, not of knees.
// Accuracy 0.5 of 400 independent subjects has SD 0.025, so a 95 % interval is about 0.098 wide; its width over 1,000
// replicates has a relative SD of about 4 %, so a 20 % band is left once in a million.
TEST(Bootstrap, CountsSubjectsNotKnees) {
  for (const int knees : {1, 4}) {
    std::vector<Prediction> predictions;
    for (int subject = 0; subject < 400; ++subject) {
      for (int knee = 0; knee < knees; ++knee) {
        predictions.push_back(certain(1, subject % 2, std::to_string(subject)));
      }
    }
    const auto intervals = bootstrap_intervals(predictions, {.replicates = 1000, .confidence = 0.95, .seed = 1});
    const double width = intervals[0].interval->high - intervals[0].interval->low;
    EXPECT_NEAR(width, 0.098, 0.02) << knees;
  }
}

TEST(Bootstrap, QuantileInterpolatesAsNumpys) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2, 4}, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.9), 7);
}

TEST(Report, WritesFourFilesThatAgree) {
  const TemporaryFolder folder;
  Report report = make_report(fixture_predictions(fixture()[0]), {.replicates = 50, .confidence = 0.95, .seed = 0});
  report.model = "custom_cnn";
  report.split = "val";
  write_report(report, folder.path());
  const auto json = nlohmann::json::parse(read_text_file(folder.path() / "report.json"));
  EXPECT_DOUBLE_EQ(json["scores"]["quadratic_kappa"].get<double>(), *report.scores.quadratic_kappa);
  EXPECT_EQ(json["samples"], 40);
  EXPECT_EQ(json["intervals"]["accuracy"].size(), 2);
  const std::string csv = read_text_file(folder.path() / "predictions.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 41);
  EXPECT_NE(read_text_file(folder.path() / "report.txt").find("quadratic_kappa"), std::string::npos);
  EXPECT_TRUE(read_text_file(folder.path() / "confusion.csv").starts_with("true,predicted_0"));
}

}  // namespace
}  // namespace genu::train
