// An exported grader in a user's hands: found without being named, given every kind of file, and pictures of no knee.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <sstream>

#include "core/csv.h"
#include "core/files.h"
#include "core/random.h"
#include "tests/e2e/run_genu.h"
#include "tests/pipeline/test_dicom.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

#ifdef GENU_WITH_TRAIN

namespace genu {
namespace {

namespace fs = std::filesystem;

// Synthetic knees laid out as real ones, so that there is a val part; a MobileNetV2 of 64 px and a few steps.
class Shipped : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const ProgramRun made = run_genu(
        "generate --quiet --set splits.train_per_grade=6 --set splits.test_per_grade=2 --set "
        "splits.sample_per_grade=0 --out " +
        path("set"));
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto manifest = CsvTable::read(path("set/manifest.csv"));
    for (std::size_t i = 0; i < manifest.size(); ++i) {
      const bool is_train = manifest.cell(i, manifest.column("split")) == "train";
      const fs::path to = fs::path(path("films")) / (is_train ? "train" : "val") /
                          manifest.cell(i, manifest.column("kl")) / (std::to_string(9000000 + i) + "L.png");
      make_folders(to.parent_path());
      fs::copy_file(path("set/" + manifest.cell(i, manifest.column("path"))), to);
    }
    const ProgramRun packed =
        run_genu("shard --quiet --set preprocess.size_px=96 --mendeley " + path("films") + " --out " + path("shards"));
    ASSERT_EQ(packed.exit_code, 0) << packed.err;
    // The last epoch: a first one that validates best by chance has hardly any features, and distances of rounding.
    const ProgramRun trained = run_genu(
        "train --quiet --threads 1 --set validation.split=none --set model.name=mobilenet_v2 --set data.size_px=64 "
        "--set data.batch_size=10 --set "
        "epochs=30 --set optimiser.learning_rate=2e-3 --shards " +
        path("shards") + " --out " + path("run"));
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    const ProgramRun exported = export_to("prefix/share/genu/models/" + std::string(GENU_DEFAULT_MODEL));
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    for (const std::string name : {"noise", "static"}) {
      std::vector<std::uint8_t> grey;
      RandomStream random(1, 0, name);
      for (int i = 0; i < 64 * 64; ++i) grey.push_back(static_cast<std::uint8_t>(random.integer(256)));
      pipeline::write_png(path(name + ".png"), {64, 64, 1, 8, grey});
    }
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name) { return (folder_->path() / name).string(); }
  static std::string model() { return path("prefix/share/genu/models/" + std::string(GENU_DEFAULT_MODEL)); }
  static std::string using_model() { return "GENU_MODEL=" + model() + " "; }
  static ProgramRun export_to(const std::string& name, const std::string& options = "") {
    return run_genu("export --json --components 6 --quantile 1 --checkpoint " + path("run") + " --shards " +
                    path("shards") + " --out " + path(name) + " " + options);
  }
  // A training knee of middling distance: its row in the manifest.
  static std::size_t knee() {
    const auto manifest = CsvTable::read(path("set/manifest.csv"));
    std::vector<std::pair<double, std::size_t>> distances;
    std::string files;
    for (std::size_t i = 0; i < manifest.size(); ++i) {
      if (manifest.cell(i, manifest.column("split")) != "train") continue;
      files += " " + path("set/" + manifest.cell(i, manifest.column("path")));
      distances.emplace_back(0, i);
    }
    const ProgramRun run = run_genu("predict --json --grade-anyway --side unknown" + files, using_model());
    std::istringstream lines(run.out);
    for (auto& [distance, row] : distances) {
      std::string line;
      std::getline(lines, line);
      distance = nlohmann::json::parse(line).at("distance").get<double>();
    }
    std::nth_element(distances.begin(), distances.begin() + 15, distances.end());
    return distances[15].second;
  }
  static std::string picture(std::size_t row) {
    const auto manifest = CsvTable::read(path("set/manifest.csv"));
    return path("set/" + manifest.cell(row, manifest.column("path")));
  }
  static nlohmann::json predicted(const std::string& file) {
    const ProgramRun run = run_genu("predict --json --grade-anyway --side unknown " + file, using_model());
    EXPECT_EQ(run.exit_code, 0) << run.err;
    return nlohmann::json::parse(run.out);
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> Shipped::folder_;

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// torchvision's mobilenet_v2 with five outputs has as many, batch norm statistics not counted, and 314 tensors with
// them.
TEST_F(Shipped, InspectCountsWhatLearns) {
  const auto json = nlohmann::json::parse(run_genu("inspect --json " + model()).out);
  EXPECT_EQ(json.at("parameters"), 2'230'277);
  EXPECT_EQ(json.at("tensors"), 314);
}

TEST_F(Shipped, EveryKindOfFileIsGradedAlike) {
  const std::size_t row = knee();
  const std::string png = picture(row), jpeg = path("knee.jpg"), dicom = path("knee.dcm");
  const cv::Mat grey = cv::imread(png, cv::IMREAD_GRAYSCALE);
  ASSERT_TRUE(cv::imwrite(jpeg, grey, {cv::IMWRITE_JPEG_QUALITY, 95}));
  pipeline::TestDicom film;  // of 12 bits
  film.rows = grey.rows;
  film.columns = grey.cols;
  film.photometric = "MONOCHROME1";
  for (auto it = grey.begin<std::uint8_t>(); it != grey.end<std::uint8_t>(); ++it) {
    film.stored.push_back(static_cast<std::uint16_t>(4095 - *it * 4095 / 255));
  }
  pipeline::write_dicom(dicom, film);
  const auto expected = predicted(png);
  EXPECT_TRUE(expected.at("gradable").get<bool>());
  for (const std::string& file : {jpeg, dicom}) {
    const auto json = predicted(file);
    EXPECT_TRUE(json.at("gradable").get<bool>()) << json;
    for (std::size_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(json.at("probabilities")[k].get<double>(), expected.at("probabilities")[k].get<double>(), 0.05)
          << file;
    }
  }
  // All at once: the same rows as one by one.
  const std::string before = using_model();
  std::string rows = "file,kl,p0,p1,p2,p3,p4\n";
  for (const std::string& file : {png, jpeg, dicom}) {
    const std::string out = run_genu("predict --side unknown " + file, before).out;
    rows += out.substr(out.find('\n') + 1);
  }
  EXPECT_EQ(run_genu("predict --side unknown " + png + " " + jpeg + " " + dicom, before).out, rows);
  // And explained.
  const ProgramRun explain = run_genu(
      "explain --quiet --side unknown --out " + path("explained") + " " + png + " " + jpeg + " " + dicom, before);
  ASSERT_EQ(explain.exit_code, 0) << explain.err;
  const auto table = CsvTable::read(path("explained/explanations.csv"));
  ASSERT_EQ(table.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(fs::exists(fs::path(path("explained")) / table.cell(i, table.column("overlay"))));
  }
}

TEST_F(Shipped, WhatIsNoKneeIsNotGraded) {
  const std::string png = picture(knee()), before = using_model();
  const std::string files = path("static.png") + " " + png + " " + path("noise.png");
  const ProgramRun run = run_genu("predict --side unknown " + files, before);
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(lines_in(run.out), 2U) << run.out;  // header and knee
  EXPECT_NE(run.out.find(png), std::string::npos);
  EXPECT_EQ(lines_in(run.err), 3U) << run.err;
  for (const char* name : {"static.png", "noise.png"}) {
    EXPECT_NE(run.err.find(path(name) + ": not a knee radiograph that can be graded (distance "), std::string::npos)
        << run.err;
  }
  EXPECT_NE(run.err.find("2 of 3 files could not be graded"), std::string::npos) << run.err;

  const ProgramRun json = run_genu("predict --json --side unknown " + files, before);
  EXPECT_EQ(json.exit_code, 3);
  std::istringstream lines(json.out);
  std::vector<bool> gradable;
  for (std::string line; std::getline(lines, line);) {
    const auto one = nlohmann::json::parse(line);
    gradable.push_back(one.at("gradable").get<bool>());
    EXPECT_EQ(one.contains("kl"), gradable.back());
    EXPECT_EQ(one.at("distance").get<double>() <= one.at("limit").get<double>(), gradable.back());
  }
  EXPECT_EQ(gradable, (std::vector<bool>{false, true, false}));

  const ProgramRun anyway = run_genu("predict --grade-anyway --side unknown " + files, before);
  EXPECT_EQ(anyway.exit_code, 0) << anyway.err;
  EXPECT_EQ(lines_in(anyway.out), 4U) << anyway.out;
  const ProgramRun strict = run_genu("predict --strict --side unknown " + files, before);
  EXPECT_EQ(strict.exit_code, 3);
  EXPECT_EQ(lines_in(strict.err), 1U) << strict.err;

  const ProgramRun explain =
      run_genu("explain --quiet --side unknown --out " + path("explained_some") + " " + files, before);
  EXPECT_EQ(explain.exit_code, 3);
  EXPECT_EQ(CsvTable::read(path("explained_some/explanations.csv")).size(), 1U);
  const ProgramRun all =
      run_genu("explain --quiet --side unknown --grade-anyway --out " + path("explained_all") + " " + files, before);
  EXPECT_EQ(all.exit_code, 0) << all.err;
  EXPECT_EQ(CsvTable::read(path("explained_all/explanations.csv")).size(), 3U);
  // Not into the same folder, where overlays of both would lie side by side.
  const ProgramRun again =
      run_genu("explain --quiet --side unknown --out " + path("explained_all") + " " + png, before);
  EXPECT_EQ(again.exit_code, 2) << again.err;
  EXPECT_NE(again.err.find("explained_all: holds explanations already"), std::string::npos) << again.err;
  EXPECT_EQ(CsvTable::read(path("explained_all/explanations.csv")).size(), 3U);
}

TEST_F(Shipped, TheGraderIsFoundBesideTheProgram) {
  const std::string png = picture(0);
  // As cmake --install lays it out.
  make_folders(path("prefix/libexec/genu"));
  make_folders(path("prefix/bin"));
  const fs::path built = fs::path(GENU_BINARY).parent_path();
  for (const auto& entry : fs::directory_iterator(built)) {
    if (entry.path().extension() != ".so" && entry.path().filename() != "genu") continue;
    fs::copy_file(entry.path(), fs::path(path("prefix/libexec/genu")) / entry.path().filename());
  }
  fs::create_symlink("../libexec/genu/genu", path("prefix/bin/genu"));
  const ProgramRun installed = run_shell("cd / && unset GENU_MODEL; " + path("prefix/bin/genu") +
                                         " predict --json --grade-anyway --side unknown " + png);
  ASSERT_EQ(installed.exit_code, 0) << installed.err;
  EXPECT_EQ(nlohmann::json::parse(installed.out), predicted(png));
  // GENU_MODEL goes before it, --checkpoint before both.
  const ProgramRun wrong = run_shell("GENU_MODEL=/nonexistent " + path("prefix/bin/genu") + " predict " + png);
  EXPECT_EQ(wrong.exit_code, 3);
  EXPECT_NE(wrong.err.find("/nonexistent: no checkpoint here"), std::string::npos) << wrong.err;
  const ProgramRun named =
      run_genu("predict --quiet --checkpoint " + path("run") + " " + png, "GENU_MODEL=/nonexistent ");
  EXPECT_EQ(named.exit_code, 0) << named.err;
  if (fs::exists(fs::path(GENU_SOURCE_DIR) / "models" / GENU_DEFAULT_MODEL)) return;
  fs::rename(model(), model() + "_away");
  const ProgramRun none = run_shell("unset GENU_MODEL; " + path("prefix/bin/genu") + " predict " + png);
  fs::rename(model() + "_away", model());
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_EQ(lines_in(none.err), 1U) << none.err;
  EXPECT_NE(none.err.find(model()), std::string::npos) << none.err;
}

TEST_F(Shipped, ExportSaysWhatItWroteAndOverwritesNothing) {
  const auto record = nlohmann::json::parse(read_text_file(model() + ".run.json"));
  EXPECT_EQ(record.at("results").at("weights_sha256").get<std::string>().size(), 64U);
  const ProgramRun again = export_to("prefix/share/genu/models/" + std::string(GENU_DEFAULT_MODEL));
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("exists already"), std::string::npos) << again.err;
  EXPECT_EQ(lines_in(again.err), 1U);
  const ProgramRun half = export_to("half", "--half --temperature none");
  ASSERT_EQ(half.exit_code, 0) << half.err;
  const auto json = nlohmann::json::parse(half.out);
  EXPECT_FALSE(json.contains("temperature"));
  EXPECT_LT(json.at("bytes").get<int>(), 5'000'000);
  EXPECT_EQ(json.at("train_samples").get<int>(), 30);
  const ProgramRun shown = run_genu("inspect " + path("half"));
  EXPECT_NE(shown.out.find("distance_limit: "), std::string::npos) << shown.out;
}

}  // namespace
}  // namespace genu

#endif
