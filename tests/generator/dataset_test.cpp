#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/png.h"
#include "generator/dataset/generate.h"
#include "generator/dataset/manifest.h"
#include "generator/dataset/sample_plan.h"

namespace genu::generator {
namespace {

namespace fs = std::filesystem;

class Dataset : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("genu-dataset-" + std::to_string(getpid()) + "-" +
                                         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    config_.splits = {3, 2, 1};
  }
  void TearDown() override { fs::remove_all(root_); }

  GenerateResult generate(const std::string& name, int threads) {
    return generate_dataset(config_, {.out = root_ / name, .threads = threads});
  }
  // Relative path -> SHA-256 of every file.
  static std::map<std::string, std::string> tree(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file())
        files[fs::relative(entry.path(), folder).string()] = to_hex(sha256_file(entry.path()));
    }
    return files;
  }

  fs::path root_;
  GenerateConfig config_;
};

TEST_F(Dataset, SameBytesForAnyNumberOfThreads) {
  generate("one", 1);
  generate("two", 2);
  generate("five", 5);
  const auto one = tree(root_ / "one");
  // Images, masks; manifest, COCO, Croissant, card, contact sheet, dataset.yaml; histograms and five galleries.
  EXPECT_EQ(one.size(), 2u * 30 + 6 + 6);
  EXPECT_EQ(one, tree(root_ / "two"));
  EXPECT_EQ(one, tree(root_ / "five"));
}

// A sample does not depend on what else the dataset holds.
TEST_F(Dataset, SamplesStayTheSameInALargerSet) {
  generate("small", 2);
  config_.splits.train_per_grade = 5;
  generate("large", 2);
  const auto small = tree(root_ / "small"), large = tree(root_ / "large");
  for (const auto& [path, digest] : small) {
    if (!path.starts_with("images/") && !path.starts_with("masks/")) continue;
    EXPECT_EQ(large.at(path), digest) << path;
  }
}

TEST_F(Dataset, ManifestHoldsTheContractsColumnsAndTrueHashes) {
  generate("set", 2);
  const CsvTable table = CsvTable::read(root_ / "set" / "manifest.csv");
  const std::vector<std::string> contract = {"id",
                                             "path",
                                             "split",
                                             "kl",
                                             "kl_read",
                                             "side",
                                             "subject",
                                             "sex",
                                             "age_years",
                                             "pixel_spacing_mm",
                                             "jsw_medial_mm",
                                             "jsw_lateral_mm",
                                             "jsn_medial",
                                             "jsn_lateral",
                                             "osteophyte_fm",
                                             "osteophyte_fl",
                                             "osteophyte_tm",
                                             "osteophyte_tl",
                                             "sclerosis_medial",
                                             "sclerosis_lateral",
                                             "cyst_count",
                                             "attrition_grade",
                                             "hka_deg",
                                             "rim_separation_mm",
                                             "inverted",
                                             "seed",
                                             "sha256"};
  ASSERT_GE(table.columns().size(), contract.size());
  EXPECT_EQ(
      std::vector<std::string>(table.columns().begin(), table.columns().begin() + static_cast<long>(contract.size())),
      contract);
  EXPECT_EQ(table.columns(), manifest_header());
  ASSERT_EQ(table.size(), 30u);
  std::map<std::string, int> subjects;
  for (std::size_t row = 0; row < table.size(); ++row) {
    const auto cell = [&](const char* name) { return table.cell(row, table.column(name)); };
    EXPECT_EQ(to_hex(sha256_file(root_ / "set" / cell("path"))), cell("sha256"));
    EXPECT_EQ(cell("path"), "images/" + cell("split") + "/" + cell("kl") + "/" + cell("id") + ".png");
    EXPECT_TRUE(cell("id").ends_with(cell("side")));
    ++subjects[cell("subject")];
    EXPECT_EQ(cell("mask_path"), "masks" + cell("path").substr(6));
    const auto mask_path = root_ / "set" / cell("mask_path");
    EXPECT_EQ(to_hex(sha256_file(mask_path)), cell("mask_sha256"));
    const PngImage mask = decode_png(read_file(mask_path), mask_path.string());
    EXPECT_EQ(mask.width_px, 224);
    EXPECT_EQ(mask.channels, 1);
  }
  EXPECT_EQ(subjects.size(), 30u) << "a subject crosses samples";
}

TEST_F(Dataset, YamlRebuildsTheFolder) {
  const GenerateResult result = generate("set", 2);
  const ConfigValue yaml = parse_yaml_file(root_ / "set" / "dataset.yaml");
  std::map<std::string, const ConfigValue*> entries;
  for (const ConfigValue::Entry& entry : yaml.map) entries[entry.key] = &entry.value;
  EXPECT_EQ(entries.at("manifest_sha256")->scalar, result.manifest_sha256);
  EXPECT_EQ(entries.at("manifest_sha256")->scalar, to_hex(sha256_file(root_ / "set" / "manifest.csv")));
  EXPECT_EQ(entries.at("config_sha256")->scalar, config_hash(config_));
  GenerateConfig again;
  read_config(again, *entries.at("config"));
  EXPECT_EQ(config_hash(again), config_hash(config_));
}

TEST_F(Dataset, RefusesWhatItDidNotMakeAndReplacesOnlyItsOwn) {
  generate("set", 1);
  EXPECT_THROW(generate("set", 1), UsageError);
  write_file_atomically(root_ / "set" / "notes.txt", "mine");
  write_file_atomically(root_ / "set" / "images" / "stale.png", "old");
  generate_dataset(config_, {.out = root_ / "set", .threads = 1, .existing = ExistingOutput::kReplace});
  EXPECT_TRUE(fs::exists(root_ / "set" / "notes.txt"));
  EXPECT_FALSE(fs::exists(root_ / "set" / "images" / "stale.png"));
  write_file_atomically(root_ / "file", "x");
  EXPECT_THROW(generate("file", 1), UsageError);
}

TEST_F(Dataset, UnwritableFolderIsAnIoError) {
  EXPECT_THROW(generate_dataset(config_, {.out = "/proc/genu-no-such-place", .threads = 1}), IoError);
}

TEST_F(Dataset, NothingToMakeIsAConfigError) {
  config_.splits = {0, 0, 0};
  EXPECT_THROW(generate("set", 1), ConfigError);
  EXPECT_FALSE(fs::exists(root_ / "set"));
}

TEST_F(Dataset, WrongTablesFailBeforeAnythingIsTouched) {
  config_.display.quantiles = {0, 1};
  EXPECT_THROW(generate("set", 1), ConfigError);
  EXPECT_FALSE(fs::exists(root_ / "set"));
}

TEST(GenerateConfigFile, EqualsTheEmbeddedDefault) {
  const fs::path file = fs::path(GENU_SOURCE_DIR) / "configs/generate/synthetic_1510.yaml";
  const auto config = load_config<GenerateConfig>(file, {});
  EXPECT_EQ(to_yaml(config), to_yaml(GenerateConfig{}));
  EXPECT_EQ(config_hash(config), config_hash(GenerateConfig{}));
  // And says everything: no key is left to the default.
  const ConfigValue written = parse_yaml_file(file);
  EXPECT_EQ(written.map.size(), list_fields(*std::make_unique<GenerateConfig>()).fields().size());
}

// What the command prints for a wrong config: the file, the line, and exit code 2.
std::string config_fault(const std::string& yaml) {
  GenerateConfig config;
  try {
    read_config(config, parse_yaml_text(yaml, "bad.yaml"));
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(GenerateConfigFile, FaultsNameFileAndLine) {
  EXPECT_NE(config_fault("seed: 1\nsplits:\n  train_per_grad: 3\n").find("bad.yaml:3"), std::string::npos);
  EXPECT_NE(config_fault("seed: 1\n\nimage_size_px: 10\n").find("bad.yaml:3"), std::string::npos);
  EXPECT_NE(config_fault("disease:\n  cyst: [0, 0, 0, 0]\n").find("bad.yaml:2"), std::string::npos);
  EXPECT_NE(config_fault("population:\n  female_share: .nan\n").find("bad.yaml:2"), std::string::npos);
  EXPECT_NE(config_fault("reader: wise\n").find("bad.yaml:1"), std::string::npos);
}

TEST(SamplePlan, NumbersAndIdsAreUnique) {
  const SamplePlan plan(GenerateConfig{});
  EXPECT_EQ(plan.size(), 1510u);
  std::map<std::string, int> ids;
  std::map<std::uint64_t, int> numbers;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    ++ids[plan.at(i).id];
    ++numbers[plan.at(i).number];
  }
  EXPECT_EQ(ids.size(), plan.size());
  EXPECT_EQ(numbers.size(), plan.size());
  EXPECT_THROW(plan.at(plan.size()), std::out_of_range);
}

}  // namespace
}  // namespace genu::generator
