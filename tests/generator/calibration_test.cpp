// Calibrating on a synthetic folder of known nuisances finds them again.
#include "generator/calibration/calibrate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <vector>

#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "generator/dataset/generate.h"
#include "generator/projection/habitus.h"

namespace genu::generator {
namespace {

namespace fs = std::filesystem;

class Calibrate : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("genu_calibrate_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  fs::path root_;
};

// Grey means of a dataset's pictures, ascending.
std::vector<double> film_means(const fs::path& dataset) {
  std::vector<double> means;
  for (const fs::path& path : films_below(dataset / "images")) {
    const PngImage png = decode_png(read_file(path), path.string());
    means.push_back(std::accumulate(png.bytes.begin(), png.bytes.end(), 0.0) / static_cast<double>(png.bytes.size()));
  }
  std::sort(means.begin(), means.end());
  return means;
}

double at_quantile(const std::vector<double>& ascending, double q) {
  return ascending[static_cast<std::size_t>(q * static_cast<double>(ascending.size() - 1))];
}

// Knees and films with nothing beside the joint. So few films place the tibia's sides to some 0.03 of the width, and
// 0.08 was seen: the bounds below hold for these very films, and what is drawn into some of them moves the fit as far
// as another seed does.
GenerateConfig plain_config() {
  GenerateConfig config;
  config.detector.motion_share = 0;
  config.surroundings = {0, 0};
  config.disease.fabella = {0, 0, 0, 0, 0};
  config.disease.loose_body = {0, 0, 0, 0, 0};
  config.disease.chondrocalcinosis_share = {0, 0, 0, 0};
  config.disease.hardware_share = 0;
  return config;
}

TEST_F(Calibrate, FindsKnownNuisancesAgain) {
  GenerateConfig truth = plain_config();
  truth.seed = 77;
  truth.splits = {40, 0, 0};
  truth.cohort.grade_weights = {0.394, 0.181, 0.263, 0.131, 0.031};  // what a folder is taken to hold
  truth.positioning.femur_fill = 0.80;
  truth.positioning.joint_line_row = 0.54;
  truth.population.joint_space_scale = 0.8;
  truth.detector.blur_sigma_px_mean = 0.85;
  truth.detector.quantum_noise_mean = 0.009;
  truth.display.inverted_share = 0.06;
  for (double& mean : truth.display.film_mean_grey) mean = 0.8 * mean;
  generate_dataset(truth, {.out = root_ / "films", .threads = 2});

  const Calibration fitted = calibrate(root_ / "films" / "images", plain_config(),
                                       {.threads = 2, .knees = 150, .rounds = 16, .habitus_rounds = 0});
  EXPECT_EQ(fitted.films, 200u);
  EXPECT_TRUE(fitted.unreadable.empty());
  const GenerateConfig& c = fitted.config;
  EXPECT_NEAR(c.positioning.femur_fill, 0.80, 0.025);
  EXPECT_NEAR(c.positioning.joint_line_row, 0.54, 0.012);
  EXPECT_NEAR(c.population.joint_space_scale, 0.8, 0.08);
  EXPECT_NEAR(c.detector.blur_sigma_px_mean, 0.85, 0.15);
  EXPECT_NEAR(c.detector.quantum_noise_mean, 0.009, 0.003);
  EXPECT_NEAR(c.display.inverted_share, 0.06, 0.035);
  // The exposure of pictures made from the fit, seen against more of the same films. 200 pictures put a quantile
  // between 25 and 90 % off by up to 4 grey levels (one SD: the table rises 120 levels per unit there), three such sets
  // 6; below 25 % the table is far steeper and 200 pictures say too little.
  GenerateConfig again = fitted.config;
  again.seed = 78;
  again.splits = {40, 0, 0};
  again.display.inverted_share = truth.display.inverted_share = 0;
  generate_dataset(again, {.out = root_ / "again", .threads = 2});
  truth.seed = 79;
  generate_dataset(truth, {.out = root_ / "films_righted", .threads = 2});
  const std::vector<double> wanted = film_means(root_ / "films_righted"), made = film_means(root_ / "again");
  for (const double q : {0.25, 0.5, 0.75, 0.9}) {
    EXPECT_NEAR(at_quantile(made, q), at_quantile(wanted, q), 13) << q;
  }
}

// Where nothing else differs, the mean soft tissue comes back.
TEST_F(Calibrate, FindsTheMeanSoftTissueAgain) {
  GenerateConfig truth;
  truth.seed = 81;
  truth.splits = {30, 0, 0};
  truth.cohort.grade_weights = {0.394, 0.181, 0.263, 0.131, 0.031};
  truth.population.habitus.assign(kHabitusWaves * kHabitusWaves, 0.0);
  truth.population.habitus[2 * kHabitusWaves] = -0.05;
  truth.population.habitus[3 * kHabitusWaves + 2] = 0.04;
  generate_dataset(truth, {.out = root_ / "films", .threads = 2});
  const Calibration fitted = calibrate(root_ / "films" / "images", GenerateConfig{},
                                       {.threads = 2, .knees = 100, .rounds = 1, .habitus_rounds = 6});
  EXPECT_LT(fitted.mean_picture_after, 0.6 * fitted.mean_picture_before);
  const std::vector<double>& found = fitted.config.population.habitus;
  EXPECT_NEAR(found[2 * kHabitusWaves], -0.05, 0.02);
  EXPECT_NEAR(found[3 * kHabitusWaves + 2], 0.04, 0.02);
  // What parts medial from lateral is not asked for: nobody says which side a film is, and where the legs are as alike
  // as these, many are taken for the other.
}

TEST_F(Calibrate, FaultsAreOneClearLine) {
  EXPECT_THROW(calibrate(root_ / "none", {}, {}), DataError);
  EXPECT_THROW(calibrate(root_, {}, {}), DataError);
  for (int i = 0; i < 45; ++i) write_file_atomically(root_ / (std::to_string(i) + ".png"), "not a picture");
  try {
    calibrate(root_, {}, {});
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("0 readable films, 45 unreadable"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace genu::generator
