// Parts, restarts and damage: whatever happens on the way, the finished tree is the same.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "generator/dataset/chunked_run.h"
#include "generator/dataset/generate.h"
#include "tests/temporary_folder.h"

namespace genu::generator {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> tree(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = to_hex(sha256_file(entry.path()));
  }
  return files;
}

// A cheap stand-in for rendering: bytes that follow from the position.
SampleOutput fake_sample(std::size_t position) {
  SampleOutput output;
  for (const char* kind : {"images", "masks"}) {
    output.files.push_back(
        {std::string(kind) + "/" + std::to_string(position % 3) + "/" + std::to_string(position) + ".bin",
         std::vector<std::uint8_t>(100 + position, static_cast<std::uint8_t>(position))});
  }
  output.texts = {"row " + std::to_string(position)};
  return output;
}

class Progress : public ::testing::Test {
 protected:
  std::size_t run(
      const ProgressFolder& progress, const Part& part, int threads,
      const MakeSample& make = [](std::size_t position, std::size_t) { return fake_sample(position); }) {
    return run_chunks(progress, identity_, part, threads, make, [] {});
  }
  ProgressFolder fresh(const std::string& name) {
    const ProgressFolder progress(folder_.path() / name);
    progress.create(identity_);
    return progress;
  }
  // The tree without the journal.
  static std::map<std::string, std::string> files_of(const ProgressFolder& progress) {
    auto files = tree(progress.dataset());
    std::erase_if(files, [](const auto& file) { return file.first.starts_with(".genu-progress"); });
    return files;
  }

  TemporaryFolder folder_;
  WorkIdentity identity_{"seed: 1\n", 103, 10};
};

TEST_F(Progress, EveryCutIntoPartsGivesTheSameFilesAndRecords) {
  const ProgressFolder whole = fresh("whole");
  EXPECT_EQ(run(whole, {1, 1}, 1), 103u);
  const auto expected = files_of(whole);
  EXPECT_EQ(expected.size(), 2u * 103);
  for (const int count : {2, 3, 11, 40}) {
    const ProgressFolder cut = fresh("cut" + std::to_string(count));
    for (int index = count; index >= 1; --index) run(cut, {index, count}, 3);
    EXPECT_EQ(files_of(cut), expected) << count;
    ASSERT_TRUE(all_chunks_recorded(cut, identity_));
    std::size_t next = 0;
    for_each_sample(cut, identity_, [&](std::size_t position, const SampleRecord& record) {
      EXPECT_EQ(position, next++);
      EXPECT_EQ(record.texts.front(), "row " + std::to_string(position));
    });
    EXPECT_EQ(next, 103u);
  }
}

TEST_F(Progress, AFailureKeepsWhatWasFinishedAndResumingMakesOnlyTheRest) {
  const ProgressFolder progress = fresh("set");
  const MakeSample failing = [](std::size_t position, std::size_t) {
    if (position == 57) throw IoError("no more");
    return fake_sample(position);
  };
  EXPECT_THROW(run(progress, {1, 1}, 2, failing), IoError);
  for (const auto& entry : fs::directory_iterator(progress.path())) {
    EXPECT_FALSE(entry.is_directory()) << entry.path() << " is left over";
  }
  const std::size_t made = run(progress, {1, 1}, 2);
  EXPECT_LE(made, 103u);
  EXPECT_GE(made, 10u);
  EXPECT_LE(made, 103u - 10);  // the first chunks were not made again
  EXPECT_EQ(run(progress, {1, 1}, 2), 0u);
  const ProgressFolder whole = fresh("whole");
  run(whole, {1, 1}, 1);
  EXPECT_EQ(files_of(progress), files_of(whole));
}

TEST_F(Progress, DamagedMissingAndHalfWrittenPiecesAreMadeAgain) {
  const ProgressFolder progress = fresh("set");
  run(progress, {1, 1}, 2);
  const auto expected = files_of(progress);
  write_file_atomically(progress.dataset() / "images/0/3.bin", "damaged");                // chunk 0
  fs::remove(progress.dataset() / "masks/1/22.bin");                                      // chunk 2
  write_file_atomically(progress.chunk_record(5), "{\"files\":[],\"texts\":[]}\n{\"fi");  // cut short
  fs::remove(progress.chunk_record(7));                                                   // killed before recording
  fs::create_directories(progress.chunk_folder(7));
  std::ofstream(progress.chunk_folder(7) / "0_0") << "half";
  EXPECT_EQ(run(progress, {1, 1}, 2), 40u);
  EXPECT_EQ(files_of(progress), expected);
}

TEST_F(Progress, AnotherConfigOrAnotherProcessIsRefused) {
  const ProgressFolder progress = fresh("set");
  progress.require(identity_);
  WorkIdentity other = identity_;
  other.config_yaml = "seed: 2\n";
  EXPECT_THROW(progress.require(other), UsageError);
  const auto lock = progress.lock_part({1, 2});
  EXPECT_THROW(progress.lock_part({1, 2}), UsageError);
  EXPECT_THROW(progress.lock_part({1, 3}), UsageError);
  EXPECT_NO_THROW(progress.lock_part({2, 2}));
}

TEST(Part, ReadsItsOwnFormOnly) {
  EXPECT_EQ(parse_part("2/5"), (Part{2, 5}));
  for (const char* text : {"", "2", "0/5", "6/5", "2/", "/5", "a/b", "1/2/3", "-1/2", "1/20000"}) {
    EXPECT_THROW(parse_part(text), UsageError) << text;
  }
}

class Restart : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.splits = {4, 1, 1};
    config_.image_size_px = 96;
    generate_dataset(config_, {.out = path("whole"), .threads = 2});
  }
  fs::path path(const std::string& name) { return folder_.path() / name; }

  TemporaryFolder folder_;
  GenerateConfig config_;
};

TEST_F(Restart, PartsInOneFolderEndAsASingleRun) {
  for (int index = 1; index <= 3; ++index) {
    const auto result = generate_dataset(config_, {.out = path("set"), .threads = 1, .part = Part{index, 3}});
    EXPECT_EQ(result.whole, index == 3 || fs::exists(path("set") / "dataset.yaml"));
  }
  EXPECT_EQ(tree(path("set")), tree(path("whole")));
}

TEST_F(Restart, PartsInFoldersOfTheirOwnAreMerged) {
  for (int index = 1; index <= 2; ++index) {
    generate_dataset(config_, {.out = path("part" + std::to_string(index)), .threads = 1, .part = Part{index, 2}});
  }
  EXPECT_TRUE(merge_parts({path("part1"), path("part2")}, {.out = path("merged"), .threads = 1}).whole);
  EXPECT_EQ(tree(path("merged")), tree(path("whole")));
}

TEST_F(Restart, ResumingAWholeDatasetChangesNothingAndClearsLeftovers) {
  const auto before = tree(path("whole"));
  fs::create_directories(path("whole") / ".genu-progress/chunk_000003.tmp");
  std::ofstream(path("whole") / ".manifest.csv.tmp-1-1") << "half";
  const auto result =
      generate_dataset(config_, {.out = path("whole"), .threads = 1, .existing = ExistingOutput::kResume});
  EXPECT_EQ(result.made, 0u);
  EXPECT_TRUE(result.whole);
  EXPECT_EQ(tree(path("whole")), before);
  EXPECT_FALSE(fs::exists(path("whole") / ".genu-progress"));
}

TEST_F(Restart, AnotherConfigIsRefusedInOneLine) {
  ProgressFolder(path("begun")).create({to_yaml(config_), 30, 128});
  GenerateConfig other = config_;
  ++other.seed;
  for (const char* name : {"begun", "whole"}) {
    try {
      generate_dataset(other, {.out = path(name), .threads = 1, .existing = ExistingOutput::kResume});
      FAIL() << name;
    } catch (const UsageError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find(path(name).string()), std::string::npos) << text;
      EXPECT_NE(text.find("another config"), std::string::npos) << text;
      EXPECT_EQ(text.find('\n'), std::string::npos);
    }
  }
  EXPECT_THROW(generate_dataset(config_, {.out = path("begun"), .threads = 1}), UsageError) << "needs --resume";
}

}  // namespace
}  // namespace genu::generator
