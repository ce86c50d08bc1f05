// A user's walk through all three jobs, on a set small enough for a test.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/csv.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/png.h"
#include "tests/e2e/run_genu.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

namespace fs = std::filesystem;

// Three train, one test knee a grade.
const char* const kSmallSet =
    " --set splits.train_per_grade=3 --set splits.test_per_grade=1 --set splits.sample_per_grade=0 ";

class Walk : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    const ProgramRun generate = run_genu("generate --quiet" + std::string(kSmallSet) + "--out " + path("set"));
    ASSERT_EQ(generate.exit_code, 0) << generate.err;
    const ProgramRun shard = run_genu("shard --quiet --config configs/shard/synthetic.yaml --synthetic " + path("set") +
                                      " --out " + path("shards"));
    ASSERT_EQ(shard.exit_code, 0) << shard.err;
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name) { return (folder_->path() / name).string(); }
  // Whose hashes OUT.run.json holds.
  static std::set<std::string> inputs_of(const std::string& out) {
    std::set<std::string> names;
    const auto record = nlohmann::json::parse(read_text_file(path(out + ".run.json")));
    for (const auto& [name, hash] : record.at("inputs_sha256").items()) {
      EXPECT_EQ(hash.get<std::string>().size(), 64u) << name;
      names.insert(name);
    }
    return names;
  }
  static bool exists(const std::string& name) { return fs::exists(folder_->path() / name); }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> Walk::folder_;

// What must be said: exit code, one line on stderr that holds `part`.
void expect_fault(const ProgramRun& run, int exit_code, const std::string& part) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_NE(run.err.find(part), std::string::npos) << run.err;
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
}

TEST_F(Walk, DatasetFolderHoldsWhatItsManifestSays) {
  for (const char* name : {"manifest.csv", "dataset.yaml", "README.md", "contact_sheet.png"}) {
    EXPECT_TRUE(exists(std::string("set/") + name)) << name;
  }
  const auto manifest = CsvTable::read(path("set/manifest.csv"));
  EXPECT_EQ(manifest.size(), 20u);
  std::array<int, 5> grades{};
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    ++grades[static_cast<std::size_t>(manifest.integer(i, manifest.column("kl"), 0, 4))];
    const fs::path image = folder_->path() / "set" / manifest.cell(i, manifest.column("path"));
    const auto bytes = read_file(image);
    EXPECT_EQ(to_hex(sha256(std::as_bytes(std::span(bytes)))), manifest.cell(i, manifest.column("sha256")));
    EXPECT_EQ(decode_png(bytes, image.string()).width_px, 224);
  }
  EXPECT_EQ(grades, (std::array<int, 5>{4, 4, 4, 4, 4}));
}

TEST_F(Walk, SameSeedSameBytesForAnyThreadCount) {
  for (const std::string threads : {"1", "3"}) {
    const ProgramRun run = run_genu("generate --quiet" + std::string(kSmallSet) + "--threads " + threads + " --out " +
                                    path("set_" + threads));
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const ProgramRun same = run_shell("diff -r " + path("set") + " " + path("set_" + threads));
    EXPECT_EQ(same.exit_code, 0) << same.out;
  }
}

TEST_F(Walk, ShardsVerifyAndInspect) {
  EXPECT_EQ(run_genu("verify " + path("shards")).exit_code, 0);
  const ProgramRun inspect = run_genu("inspect --json " + path("shards"));
  ASSERT_EQ(inspect.exit_code, 0) << inspect.err;
  EXPECT_TRUE(nlohmann::json::accept(inspect.out)) << inspect.out;
  // The whole proof of the split, for people too.
  const ProgramRun plain = run_genu("inspect " + path("shards"));
  for (const char* fact :
       {"counts_by_split_source_grade", "subjects_by_split", "subjects_in_two_splits", "identical_files_in_two_splits",
        "most_hash_bits", "least_correlation", "copies_in_two_splits", "samples_sha256"}) {
    EXPECT_NE(plain.out.find(fact), std::string::npos) << fact;
  }
  EXPECT_EQ(run_genu("inspect " + path("set")).exit_code, 0);
}

TEST_F(Walk, FlippedByteInAShardIsNamed) {
  ASSERT_EQ(run_shell("cp -r " + path("shards") + " " + path("damaged")).exit_code, 0);
  fs::path shard;
  for (const auto& entry : fs::directory_iterator(path("damaged"))) {
    if (entry.path().extension() == ".h5") shard = entry.path();
  }
  auto bytes = read_file(shard);
  bytes[bytes.size() / 2] ^= 1;  // the pixels fill nearly all of the file
  write_file_atomically(shard, std::as_bytes(std::span(bytes)));
  const ProgramRun verify = run_genu("verify " + path("damaged"));
  EXPECT_EQ(verify.exit_code, 3);
  EXPECT_NE((verify.out + verify.err).find("train_"), std::string::npos) << verify.out << verify.err;
}

#ifdef GENU_WITH_TRAIN
// Tables and charts.
void expect_full_report(const fs::path& folder) {
  for (const char* name : {"report.json", "report.txt", "predictions.csv", "confusion.csv"}) {
    EXPECT_TRUE(fs::exists(folder / name)) << name;
  }
  for (const char* name : {"confusion.png", "reliability.png", "roc.png", "curves.png"}) {
    ASSERT_TRUE(fs::exists(folder / name)) << name;
    EXPECT_GE(decode_png(read_file(folder / name), name).width_px, 720) << name;
  }
}

TEST_F(Walk, TrainEvaluatePredict) {
  const ProgramRun train = run_genu("train --quiet --config configs/train/synthetic_quick.yaml --epochs 1 --shards " +
                                    path("shards") + " --out " + path("run"));
  ASSERT_EQ(train.exit_code, 0) << train.err;
  for (const char* name : {"model.safetensors", "train.yaml", "metrics.csv"}) {
    EXPECT_TRUE(exists(std::string("run/") + name) || exists(std::string("run/best/") + name)) << name;
  }
  const ProgramRun evaluate = run_genu("evaluate --json --checkpoint " + path("run") + " --shards " + path("shards") +
                                       " --split test --out " + path("report"));
  ASSERT_EQ(evaluate.exit_code, 0) << evaluate.err;
  expect_full_report(path("report"));
  const auto report = nlohmann::json::parse(evaluate.out);
  EXPECT_EQ(report.at("samples").get<int>(), 5);
  EXPECT_EQ(report.at("test_touches").get<int>(), 1);
  const ProgramRun ensemble = run_genu("evaluate --json --checkpoint " + path("run") + " --checkpoint " + path("run") +
                                       " --shards " + path("shards") + " --split test");
  ASSERT_EQ(ensemble.exit_code, 0) << ensemble.err;
  EXPECT_EQ(nlohmann::json::parse(ensemble.out).at("scores"), report.at("scores"));

  const auto manifest = CsvTable::read(path("set/manifest.csv"));
  const std::string image = path("set/" + manifest.cell(0, manifest.column("path")));
  const ProgramRun predict = run_genu("predict --checkpoint " + path("run") + " " + image);
  ASSERT_EQ(predict.exit_code, 0) << predict.err;
  EXPECT_NE(predict.out.find(fs::path(image).filename().string()), std::string::npos) << predict.out;

  // Explained: by weights file and by run, image files, shards and the dataset with its masks.
  const ProgramRun explain = run_genu("explain --quiet --json --checkpoint " + path("run/best/model.safetensors") +
                                      " --dataset " + path("set") + " --split test --out " + path("explained"));
  ASSERT_EQ(explain.exit_code, 0) << explain.err;
  EXPECT_EQ(inputs_of("report"), (std::set<std::string>{path("run/best/model.safetensors"), path("shards")}));
  EXPECT_EQ(inputs_of("explained"),
            (std::set<std::string>{path("run/best/model.safetensors"), path("set/manifest.csv")}));
  const auto regions = nlohmann::json::parse(explain.out).at("regions");
  EXPECT_EQ(regions.at("all").at("samples").get<int>(), 5);
  const auto rows = CsvTable::read(path("explained/explanations.csv"));
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double energy = 0, area = 0;
    for (const std::string region : {"joint_space", "lesions", "bone", "background"}) {
      if (!rows.cell(i, rows.column("energy_" + region)).empty()) {
        energy += rows.number(i, rows.column("energy_" + region));
      }
      area += rows.number(i, rows.column("area_" + region));
    }
    EXPECT_NEAR(area, 1, 1e-5);
    const bool is_empty = !(rows.number(i, rows.column("energy")) > 0);
    EXPECT_NEAR(energy, is_empty ? 0 : 1, 1e-5);
    // The picture at the network's side, coloured where the map is not empty.
    const fs::path file = folder_->path() / "explained" / rows.cell(i, rows.column("overlay"));
    const PngImage overlay = decode_png(read_file(file), file.string());
    ASSERT_EQ(overlay.channels, 3);
    EXPECT_EQ(overlay.width_px, overlay.height_px);
    bool coloured = false;
    for (std::size_t k = 0; k + 2 < overlay.bytes.size(); k += 3) {
      coloured = coloured || overlay.bytes[k] != overlay.bytes[k + 1] || overlay.bytes[k] != overlay.bytes[k + 2];
    }
    EXPECT_EQ(coloured, !is_empty) << file;
  }
  const ProgramRun files = run_genu("explain --quiet --grade 4 --checkpoint " + path("run") + " --out " +
                                    path("explained_file") + " " + image);
  ASSERT_EQ(files.exit_code, 0) << files.err;
  const auto file_row = CsvTable::read(path("explained_file/explanations.csv"));
  EXPECT_EQ(file_row.cell(0, file_row.column("target")), "4");
  const std::string explain_shards = "explain --quiet --checkpoint " + path("run") + " --shards " + path("shards") +
                                     " --out " + path("explained_shards");
  EXPECT_EQ(run_genu(explain_shards + " --split train --limit 5 --overlays 2").exit_code, 0);
  EXPECT_EQ(CsvTable::read(path("explained_shards/explanations.csv")).size(), 5u);
  expect_fault(run_genu(explain_shards + " --split val"), 3, "split 'val' is empty");
  expect_fault(run_genu(explain_shards + " " + image), 2, "one of them");
  // What cannot be explained is no look at the test split.
  const std::string touches = read_text_file(path("run/best/test_touches.json"));
  expect_fault(run_genu(explain_shards + " --split test --block layer9"), 2, "no 'layer9'");
  expect_fault(run_genu(explain_shards + " --split test"), 2, "holds explanations already");
  expect_fault(
      run_genu("evaluate --checkpoint " + path("run") + " --shards " + path("shards") + " --split test --source real"),
      3, "holds no sample of the chosen source");
  EXPECT_EQ(read_text_file(path("run/best/test_touches.json")), touches);

  // The report does not need the run's history.
  ASSERT_EQ(run_shell("cp -rL " + path("run/best") + " " + path("bare") + "; rm " + path("bare/metrics.csv")).exit_code,
            0);
  const ProgramRun bare = run_genu("evaluate --json --bootstrap 0 --checkpoint " + path("bare") + " --shards " +
                                   path("shards") + " --split train --out " + path("bare_report"));
  EXPECT_EQ(bare.exit_code, 0) << bare.err;
  EXPECT_TRUE(exists("bare_report.run.json"));
  EXPECT_FALSE(exists("bare_report/curves.png"));

  // A bad file among good ones is one line; the good ones are graded all the same.
  write_file_atomically(path("cut.png"), read_text_file(image).substr(0, 2000));
  const ProgramRun mixed = run_genu("predict --checkpoint " + path("run") + " " + path("cut.png") + " " + image);
  EXPECT_EQ(mixed.exit_code, 3);
  EXPECT_NE(mixed.err.find("cut.png: damaged PNG"), std::string::npos) << mixed.err;
  EXPECT_NE(mixed.out.find(fs::path(image).filename().string()), std::string::npos) << mixed.out;
}

TEST_F(Walk, AForestIsNotExplainedAndTakesNoWeights) {
  const std::string train =
      "train --quiet --set model.name=random_forest --set forest.trees=5 --set data.size_px=16 "
      "--set validation.split=none --set validation.flip_average=true --shards " +
      path("shards") + " --out " + path("forest");
  expect_fault(run_genu(train + " --init /nonexistent.safetensors"), 2, "init.weights: a random_forest");
  EXPECT_FALSE(exists("forest"));
  const ProgramRun run = run_genu(train);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  // It grades each image as it is.
  EXPECT_NE(read_text_file(path("forest/best/grader.yaml")).find("flip_average: false"), std::string::npos);
  expect_fault(run_genu("explain --quiet --checkpoint " + path("forest") + " --shards " + path("shards") +
                        " --split test --out " + path("explained_forest")),
               2, "Grad-CAM needs a convolutional network");
  EXPECT_FALSE(exists("forest/best/test_touches.json"));
  EXPECT_FALSE(exists("explained_forest"));
}

TEST_F(Walk, CrossvalAndCompare) {
  const std::string study =
      "crossval --quiet --config configs/train/synthetic_quick.yaml --epochs 1 "
      "--set validation.split=none --bootstrap 0 --shards " +
      path("shards") + " --pool train --folds 3 --out ";
  const ProgramRun first = run_genu(study + path("folds"));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  expect_fault(run_genu(study + path("folds")), 2, "--resume goes on with it");
  const std::string table = read_text_file(path("folds/table.csv"));
  // As if killed after the first fold.
  fs::remove_all(path("folds/repeat-00/fold-01"));
  fs::remove(path("folds/repeat-00/fold-02/predictions.csv"));
  const ProgramRun again = run_genu(study + path("folds") + " --resume");
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(again.out, first.out);
  EXPECT_EQ(read_text_file(path("folds/table.csv")), table);
  EXPECT_EQ(CsvTable::read(path("folds/repeat-00/predictions.csv")).size(), 15u);

  const ProgramRun same =
      run_genu("compare --json " + path("folds") + " " + path("folds/repeat-00") + " --out " + path("same.json"));
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const auto json = nlohmann::json::parse(same.out);
  EXPECT_EQ(json.at("samples").get<int>(), 15);
  EXPECT_EQ(json.at("metrics").at(0).at("groups").at(0).at("observations").get<int>(), 3);
  EXPECT_EQ(json.at("pairs").at(0).at("mcnemar").at("exact_p").get<double>(), 1.0);
  EXPECT_EQ(read_text_file(path("same.json")), same.out);
  std::set<std::string> files = {path("folds/repeat-00/predictions.csv")};
  for (int fold = 0; fold < 3; ++fold) {
    files.insert(path("folds/repeat-00/fold-0" + std::to_string(fold) + "/predictions.csv"));
  }
  EXPECT_EQ(inputs_of("same.json"), files);
  expect_fault(run_genu("compare " + path("folds") + " " + path("folds/repeat-00/fold-00")), 3, "same images");
  expect_fault(run_genu("compare " + path("folds") + " /nonexistent"), 4, "/nonexistent");
}

// Each published recipe runs from its file and writes the full report; sides are small so that this stays quick.
TEST_F(Walk, EveryRecipeTrainsAndReports) {
  std::size_t recipes = 0;
  for (const auto& entry : fs::directory_iterator(GENU_SOURCE_DIR "/configs/train/seeds")) {
    const std::string name = entry.path().stem().string();
    SCOPED_TRACE(name);
    ++recipes;
    const std::string size = name == "lords_custom_cnn" ? "128" : name == "usth_xception" ? "75" : "32";
    const ProgramRun train = run_genu(
        "train --quiet --config " + entry.path().string() + " --epochs 1 --limit 5 --set data.size_px=" + size +
        " --set validation.split=none --shards " + path("shards") + " --out " + path("recipe"));
    ASSERT_EQ(train.exit_code, 0) << train.err;
    const ProgramRun evaluate =
        run_genu("evaluate --quiet --bootstrap 10 --checkpoint " + path("recipe") + " --shards " + path("shards") +
                 " --split test --out " + path("recipe_report"));
    ASSERT_EQ(evaluate.exit_code, 0) << evaluate.err;
    expect_full_report(path("recipe_report"));
    fs::remove_all(path("recipe"));
    fs::remove_all(path("recipe_report"));
  }
  EXPECT_EQ(recipes, 10u);
}

// What goes wrong in training is one line with a remedy.
TEST_F(Walk, TrainingFaultsAreNamed) {
  const std::string train = "train --quiet --config configs/train/synthetic_quick.yaml --epochs 1 --shards " +
                            path("shards") + " --out " + path("fault");
  // 1. A loss that is no number.
  expect_fault(run_genu(train + " --set data.batch_size=2 --set optimiser.kind=sgd --set optimiser.learning_rate=100"
                                " --set optimiser.head_multiplier=1000 --set schedule.kind=constant"),
               3, "the loss is not finite at epoch 1");
  fs::remove_all(path("fault"));
  // 2. A grade without a sample, a split without one.
  expect_fault(run_genu(train + " --set data.source=real"), 3, "grade 0 has no training sample");
  expect_fault(run_genu(train + " --set validation.split=val"), 3, "split 'val' holds no sample");
  expect_fault(run_genu(train + " --limit 3"), 3, "grade 3 has no training sample");
  EXPECT_FALSE(exists("fault"));
  // 3. A run folder that cannot be made, and one that is in use.
  write_file_atomically(path("in_the_way"), std::string_view("x"));
  expect_fault(run_genu("train --quiet --config configs/train/synthetic_quick.yaml --shards " + path("shards") +
                        " --out " + path("in_the_way")),
               4, "in_the_way");
  // 4. More memory than there is.
  expect_fault(
      run_genu(train + " --set model.name=resnet_18 --set data.size_px=2048 --limit 16", "ulimit -v 6000000; "), 4,
      "out of memory");
}

TEST_F(Walk, WrongWeightsAreNamed) {
  // One tensor of the network's own name with another shape.
  const std::string header = R"({"features.0.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  write_file_atomically(path("wrong.safetensors"), bytes + header + std::string(4, '\0'));
  const std::string rest =
      "train --quiet --config configs/train/synthetic_quick.yaml --shards " + path("shards") + " --out " + path("bad");
  expect_fault(run_genu(rest + " --init " + path("wrong.safetensors")), 3, "wrong.safetensors");
  write_file_atomically(path("short.safetensors"), bytes + header);
  expect_fault(run_genu(rest + " --init " + path("short.safetensors")), 3, "short.safetensors");
  expect_fault(run_genu(rest + " --init /nonexistent.safetensors"), 4, "/nonexistent.safetensors");
  EXPECT_FALSE(exists("bad/model.safetensors"));
}
#endif

TEST_F(Walk, FullDiskIsOneLineAndNothingHalfWritten) {
  const std::string disk = path("disk");
  fs::create_directory(disk);
  if (run_shell("mount -t tmpfs -o size=256k tmpfs " + disk).exit_code != 0) {
    GTEST_SKIP() << "no right to mount a small tmpfs here";
  }
  const ProgramRun generate = run_genu("generate --quiet" + std::string(kSmallSet) + "--out " + disk + "/set");
  const bool half_set = fs::exists(disk + "/set/dataset.yaml");
  run_shell("rm -rf " + disk + "/*");
  const ProgramRun shard = run_genu("shard --quiet --config configs/shard/synthetic.yaml --synthetic " + path("set") +
                                    " --out " + disk + "/shards");
  const ProgramRun left = run_shell("find " + disk + " -type f");
  run_shell("umount " + disk);
  expect_fault(generate, 4, "No space left");
  EXPECT_FALSE(half_set);
  expect_fault(shard, 4, "No space left");
  EXPECT_EQ(left.out, "");
}

TEST_F(Walk, RealFolderFaultsAreNamed) {
  // A folder in the Mendeley layout, made of synthetic pictures.
  const auto manifest = CsvTable::read(path("set/manifest.csv"));
  const auto picture = [&](std::size_t i) { return fs::path(path("set")) / manifest.cell(i, manifest.column("path")); };
  const fs::path real = folder_->path() / "real";
  for (const char* part : {"train/0", "train/3", "val/0"}) fs::create_directories(real / part);
  fs::copy_file(picture(0), real / "train/0/9000001L.png");
  fs::copy_file(picture(1), real / "train/3/9000002R.png");
  fs::copy_file(picture(2), real / "val/0/9000003L.png");
  const std::string pack = "shard --quiet --strict --mendeley " + real.string() + " --out " + path("real_shards");

  // 1. The same subject in train and val is refused by name, and nothing is written.
  fs::copy_file(picture(3), real / "val/0/9000001R.png");
  const ProgramRun leak = run_genu(pack);
  expect_fault(leak, 3, "9000001");
  EXPECT_FALSE(exists("real_shards"));
  fs::remove(real / "val/0/9000001R.png");

  // 2. The same picture under another subject's name in val.
  fs::copy_file(picture(0), real / "val/0/9000004L.png");
  const ProgramRun copy = run_genu(pack);
  expect_fault(copy, 3, "9000004L.png");
  EXPECT_FALSE(exists("real_shards"));
  fs::remove(real / "val/0/9000004L.png");

  // 3. A truncated picture.
  write_file_atomically(real / "train/3/9000005L.png", read_text_file(picture(4)).substr(0, 1500));
  expect_fault(run_genu(pack), 3, "9000005L.png");
  EXPECT_FALSE(exists("real_shards/shards.json"));
  fs::remove(real / "train/3/9000005L.png");

  // 4. A grade folder that is none.
  fs::create_directories(real / "train/7");
  fs::copy_file(picture(5), real / "train/7/9000006L.png");
  expect_fault(run_genu(pack), 3, "train/7");
  fs::remove_all(real / "train/7");

  // 5. Mended, it goes through.
  const ProgramRun mended = run_genu(pack);
  EXPECT_EQ(mended.exit_code, 0) << mended.err;
  EXPECT_TRUE(exists("real_shards/shards.json"));

  expect_fault(run_genu("shard --quiet --mendeley /nonexistent --out " + path("none")), 4, "/nonexistent");
}

}  // namespace
}  // namespace genu
