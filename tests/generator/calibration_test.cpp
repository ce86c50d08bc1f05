// Calibrating on a synthetic folder of known nuisances finds them again.
#include "generator/calibration/calibrate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/errors.h"
#include "core/files.h"
#include "generator/dataset/generate.h"

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

TEST_F(Calibrate, FindsKnownNuisancesAgain) {
  GenerateConfig truth;
  truth.seed = 77;
  truth.splits = {40, 0, 0};
  truth.positioning.femur_fill = 0.80;
  truth.positioning.joint_line_row = 0.54;
  truth.detector.blur_sigma_px_mean = 0.85;
  truth.detector.quantum_noise_mean = 0.009;
  truth.display.inverted_share = 0.06;
  for (double& mean : truth.display.film_mean_grey) mean = 0.8 * mean;
  generate_dataset(truth, {.out = root_ / "films", .threads = 2});

  const Calibration fitted =
      calibrate(root_ / "films" / "images", GenerateConfig{}, {.threads = 2, .knees = 100, .rounds = 10});
  EXPECT_EQ(fitted.films, 200u);
  EXPECT_TRUE(fitted.unreadable.empty());
  const GenerateConfig& c = fitted.config;
  EXPECT_NEAR(c.positioning.femur_fill, 0.80, 0.025);
  EXPECT_NEAR(c.positioning.joint_line_row, 0.54, 0.012);
  EXPECT_NEAR(c.detector.blur_sigma_px_mean, 0.85, 0.15);
  EXPECT_NEAR(c.detector.quantum_noise_mean, 0.009, 0.003);
  EXPECT_NEAR(c.display.inverted_share, 0.06, 0.035);
  EXPECT_NEAR(c.display.film_mean_grey[4], 0.8 * 156, 6);
  EXPECT_GT(c.display.film_mean_grey[6], 150);
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
