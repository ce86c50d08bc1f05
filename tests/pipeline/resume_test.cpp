// A packing that is stopped anywhere and gone on with gives the bytes of one that was not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/pack/journal.h"
#include "pipeline/pack/pack_shards.h"
#include "pipeline/shard/verify_shards.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

// 48 knees of 48 px, some with two baked variants, 20 rows a shard.
class Resuming : public ::testing::TestWithParam<PixelStorage> {
 protected:
  Resuming() {
    write_mendeley_folder(films(), 12, 48);
    write_file_atomically(films() / "val/1/9000013L.png", "no picture");
    config.preprocess.size_px = 48;
    config.samples_per_shard = 20;
    config.variants = 2;
    config.augment = {15, 0.1, 0.05, 0.5, 0.2, 0.1};
    config.storage = GetParam();
    config.near_duplicates.search = NearDuplicateSearch::kOff;
    pack_shards(samples(), config, {whole(), 2, FaultPolicy::kSkip, Resume::kAnew});
  }
  fs::path films() const { return folder.path() / "films"; }
  fs::path whole() const { return folder.path() / "whole"; }
  fs::path out() const { return folder.path() / "out"; }
  fs::path work() const { return out() / ".packing"; }
  std::vector<SourceSample> samples() const { return list_mendeley(films(), FaultPolicy::kStop).samples; }
  PackReport resume() const { return pack_shards(samples(), config, {out(), 2, FaultPolicy::kSkip, Resume::kGoOn}); }

  // Everything a run leaves in its work folder, with a journal of so many bytes: what a kill at that moment leaves.
  void leave_half_done(std::size_t journal_bytes, std::size_t row_bytes_lost) {
    fs::remove_all(out());
    const Part all{1, 1};
    pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, all);
    fs::rename(out() / ".packing-1-of-1", work());
    fs::resize_file(work() / "journal", journal_bytes);
    const fs::path last = work() / "rows-00001";
    const auto size = fs::file_size(last);
    fs::resize_file(last, size - std::min<std::uintmax_t>(size, row_bytes_lost));
  }
  std::uintmax_t journal_size() {
    leave_half_done(0, 0);
    fs::remove_all(out());
    pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, {1, 1});
    return fs::file_size(out() / ".packing-1-of-1/journal");
  }
  static std::map<std::string, std::vector<std::uint8_t>> contents(const fs::path& folder) {
    std::map<std::string, std::vector<std::uint8_t>> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
    }
    return files;
  }
  void expect_as_uninterrupted() const { EXPECT_EQ(contents(out()), contents(whole())); }

  TemporaryFolder folder;
  ShardConfig config;
};

TEST_P(Resuming, FromAnyLengthOfTheJournalGivesTheSameBytes) {
  const auto size = journal_size();
  std::size_t most_resumed = 0;
  for (std::size_t bytes = 0; bytes <= size; bytes += size / 13) {
    leave_half_done(bytes, 0);
    most_resumed = std::max(most_resumed, resume().resumed_samples);
    expect_as_uninterrupted();
  }
  leave_half_done(size, 0);
  EXPECT_EQ(resume().resumed_samples, 48u);
  expect_as_uninterrupted();
  EXPECT_GT(most_resumed, 30u);
}

TEST_P(Resuming, RowsThatTheDiskLostAreMadeAgain) {
  const auto size = journal_size();
  leave_half_done(size, 5000);
  const std::size_t resumed = resume().resumed_samples;
  EXPECT_GT(resumed, 0u);
  EXPECT_LT(resumed, 48u);
  expect_as_uninterrupted();

  leave_half_done(size, 0);
  auto rows = read_file(work() / "rows-00000");
  rows.at(rows.size() / 2) ^= 1;
  write_file_atomically(work() / "rows-00000", std::as_bytes(std::span(rows)));
  EXPECT_LT(resume().resumed_samples, 20u);
  expect_as_uninterrupted();
}

TEST_P(Resuming, AFileThatChangedSinceIsReadAgain) {
  const auto size = journal_size();
  leave_half_done(size, 0);
  const auto path = films() / "train/0/9000000L.png";
  write_png(path, knee_like(500, 48));
  EXPECT_EQ(resume().resumed_samples, 0u);
  fs::remove_all(whole());
  pack_shards(samples(), config, {whole(), 2, FaultPolicy::kSkip, Resume::kAnew});
  expect_as_uninterrupted();
}

// The disk gave an error and no longer does: size and time of the file are as they were.
TEST_P(Resuming, AFileThatIsReadableAgainIsPacked) {
  const auto path = films() / "train/1/9000001L.png";
  const auto good = read_file(path);
  const auto time = fs::last_write_time(path);
  auto bad = good;
  bad.at(bad.size() / 2) ^= 1;
  const auto put = [&](const std::vector<std::uint8_t>& bytes) {
    write_file_atomically(path, std::as_bytes(std::span(bytes)));
    fs::last_write_time(path, time);
  };
  put(bad);
  leave_half_done(journal_size(), 0);
  put(good);
  const PackReport report = resume();
  EXPECT_LT(report.resumed_samples, 24u);
  EXPECT_EQ(report.skipped.size(), 1u);
  expect_as_uninterrupted();
}

TEST_P(Resuming, ABadFileOfTheInterruptedRunStopsAStrictOne) {
  leave_half_done(journal_size(), 0);
  const auto before = contents(work());
  try {
    pack_shards(samples(), config, {out(), 2, FaultPolicy::kStop, Resume::kGoOn});
    ADD_FAILURE() << "packed";
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("9000013L.png: not a PNG"), std::string::npos) << error.what();
  }
  EXPECT_EQ(contents(work()), before);
  EXPECT_EQ(resume().resumed_samples, 48u);
  expect_as_uninterrupted();
}

// Killed between naming the first shard and the last: what was published is fetched back.
TEST_P(Resuming, AfterAKillWhilePublishing) {
  leave_half_done(journal_size(), 0);
  fs::copy_file(whole() / "shard-00000.h5", out() / "shard-00000.h5");
  if (GetParam() == PixelStorage::kPlain) fs::remove(work() / "rows-00000");
  EXPECT_EQ(resume().resumed_samples, 48u);
  expect_as_uninterrupted();
}

// What a failure leaves of a published set must not be described as one: neither the index nor the card may stay.
TEST_P(Resuming, ASetThatIsOpenedAgainLosesItsIndexAndItsCard) {
  leave_half_done(journal_size() / 2, 0);
  for (const char* name : {"shard-00000.h5", "shards.json", "croissant.json"}) {
    fs::copy_file(whole() / name, out() / name);
  }
  fs::remove(work() / "rows-00000");
  EXPECT_THROW(pack_shards(samples(), config, {out(), 2, FaultPolicy::kStop, Resume::kGoOn}), DataError);
  EXPECT_FALSE(fs::exists(out() / "shards.json"));
  EXPECT_FALSE(fs::exists(out() / "croissant.json"));
}

TEST_P(Resuming, ASetThatCannotBeReplacedLosesItsIndexAndItsCard) {
  fs::copy(whole(), out());
  fs::remove(out() / "shard-00001.h5");
  fs::create_directories(out() / "shard-00001.h5/in the way");
  EXPECT_THROW(pack_shards(samples(), config, {out(), 2, FaultPolicy::kSkip, Resume::kAnew}), IoError);
  EXPECT_FALSE(fs::exists(out() / "shards.json"));
  EXPECT_FALSE(fs::exists(out() / "croissant.json"));
}

TEST_P(Resuming, AnotherJobIsRefusedAndLeftAlone) {
  leave_half_done(journal_size(), 0);
  const auto before = contents(out());
  config.variants = 1;
  EXPECT_THROW(resume(), DataError);
  EXPECT_EQ(contents(out()), before);
  config.variants = 2;
  auto fewer = samples();
  fewer.pop_back();
  EXPECT_THROW(pack_shards(fewer, config, {out(), 1, FaultPolicy::kSkip, Resume::kGoOn}), DataError);
}

TEST_P(Resuming, WithoutAskingAnInterruptedRunIsThrownAway) {
  leave_half_done(journal_size(), 0);
  EXPECT_EQ(pack_shards(samples(), config, {out(), 2, FaultPolicy::kSkip, Resume::kAnew}).resumed_samples, 0u);
  expect_as_uninterrupted();
}

TEST_P(Resuming, PartsJoinToTheSameBytesForAnyNumberOfThem) {
  for (const std::size_t count : {1u, 3u, 7u}) {
    fs::remove_all(out());
    for (std::size_t number = count; number >= 1; --number) {
      pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, {number, count});
      EXPECT_FALSE(fs::exists(out() / "shards.json"));
    }
    merge_parts(samples(), config, {out(), 2, FaultPolicy::kSkip, Resume::kAnew}, count);
    expect_as_uninterrupted();
  }
}

TEST_P(Resuming, JoiningNamesThePartThatIsMissingOrNotComplete) {
  pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, {1, 2});
  const auto refusal = [&] {
    try {
      merge_parts(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, 2);
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("joined");
  };
  EXPECT_NE(refusal().find(".packing-2-of-2: no such part"), std::string::npos) << refusal();
  pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}, {2, 2});
  const auto journal = out() / ".packing-2-of-2/journal";
  fs::resize_file(journal, fs::file_size(journal) - 1);
  EXPECT_NE(refusal().find("23 of 24 samples are packed"), std::string::npos) << refusal();
  pack_part(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kGoOn}, {2, 2});
  EXPECT_EQ(refusal(), "joined");
  expect_as_uninterrupted();
}

// SIGKILL at moments spread over a run, then --resume. scripts/kill_resume_shard.sh does a hundred on the program
// itself.
TEST_P(Resuming, AKilledProcessIsGoneOnWith) {
  const std::string genu = GENU_BINARY;
  if (!fs::exists(genu)) GTEST_SKIP() << "no " << genu;
  const std::vector<std::string> settings = {
      "--set=preprocess.size_px=48",
      "--set=samples_per_shard=20",
      "--set=variants=2",
      "--set=augment.zoom=0.1",
      "--set=near_duplicates.search=off",
      GetParam() == PixelStorage::kPlain ? "--set=storage=plain" : "--set=storage=deflate"};
  const auto run = [&](const fs::path& to, bool go_on, int kill_after_us) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<std::string> words = {genu, "shard", "--quiet", "--mendeley", films().string(), "--out", to.string()};
      words.insert(words.end(), settings.begin(), settings.end());
      if (go_on) words.emplace_back("--resume");
      std::vector<char*> pointers;
      for (std::string& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      const int nowhere = ::open("/dev/null", O_WRONLY);
      ::dup2(nowhere, 1);
      ::dup2(nowhere, 2);
      ::execv(genu.c_str(), pointers.data());
      ::_exit(127);
    }
    if (kill_after_us > 0) {
      ::usleep(static_cast<useconds_t>(kill_after_us));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
  };
  const fs::path reference = folder.path() / "reference";
  ASSERT_EQ(run(reference, false, 0), 0);
  for (const int kill_after_us : {30000, 60000, 90000, 130000}) {
    fs::remove_all(out());
    run(out(), false, kill_after_us);
    ASSERT_EQ(run(out(), true, 0), 0);
    EXPECT_EQ(contents(out()), contents(reference)) << kill_after_us;
  }
}

TEST_P(Resuming, TwoAtOnceInOneFolderAreRefused) {
  fs::create_directories(work());
  const int lock = ::open((work() / "lock").c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(::flock(lock, LOCK_EX), 0);
  write_file_atomically(work() / "journal", "another's");
  EXPECT_THROW(resume(), IoError);
  EXPECT_THROW(pack_shards(samples(), config, {out(), 1, FaultPolicy::kSkip, Resume::kAnew}), IoError);
  EXPECT_EQ(read_text_file(work() / "journal"), "another's");
  ::close(lock);
}

// A file system that is really full. Mounting one takes rights that a plain user lacks.
TEST_P(Resuming, AFullDiskIsOneClearLineAndNothingIsLeft) {
  const std::string genu = GENU_BINARY;
  const fs::path disk = folder.path() / "disk";
  fs::create_directories(disk);
  const std::string mount = "mount -t tmpfs -o size=128k none " + disk.string() + " 2>/dev/null";
  if (!fs::exists(genu) || std::system(mount.c_str()) != 0) GTEST_SKIP() << "cannot mount a tmpfs";
  const std::string storage = GetParam() == PixelStorage::kPlain ? "plain" : "deflate";
  const std::string command = genu + " shard --quiet --mendeley " + films().string() + " --out " +
                              (disk / "out").string() + " --set preprocess.size_px=96 --set storage=" + storage +
                              " --set near_duplicates.search=off >/dev/null 2>" + (folder.path() / "log").string();
  const int status = std::system(command.c_str());
  const bool nothing_left = fs::is_empty(disk);
  std::system(("umount " + disk.string()).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 4);
  EXPECT_TRUE(nothing_left);
  const std::string log = read_text_file(folder.path() / "log");
  std::string errors;
  for (std::size_t at = log.find("genu: error: "); at != std::string::npos; at = log.find("genu: error: ", at + 1)) {
    errors += log.substr(at, log.find('\n', at) - at) + "|";
  }
  EXPECT_NE(errors.find("No space left on device; free some space or choose another folder"), std::string::npos) << log;
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '|'), 1) << log;
}

INSTANTIATE_TEST_SUITE_P(Storage, Resuming, ::testing::Values(PixelStorage::kPlain, PixelStorage::kDeflate),
                         [](const auto& storage) {
                           return storage.param == PixelStorage::kPlain ? "Plain" : "Deflate";
                         });

TEST(Part, IsReadFromTextAndEnvironment) {
  EXPECT_EQ(parse_part("2/8"), (Part{2, 8}));
  for (const char* wrong : {"0/8", "9/8", "2", "a/b", "2/", "/8", "-1/8", "2/8x", ""}) {
    EXPECT_THROW(parse_part(wrong), UsageError) << wrong;
  }
  for (const char* name : {"RANK", "WORLD_SIZE", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT",
                           "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"}) {
    ::unsetenv(name);
  }
  EXPECT_THROW(parse_part("env"), UsageError);
  ::setenv("SLURM_ARRAY_TASK_ID", "14", 1);
  ::setenv("SLURM_ARRAY_TASK_COUNT", "3", 1);
  ::setenv("SLURM_ARRAY_TASK_MIN", "10", 1);
  ::setenv("SLURM_ARRAY_TASK_STEP", "4", 1);
  EXPECT_EQ(parse_part("env"), (Part{2, 3}));
  ::setenv("RANK", "0", 1);
  ::setenv("WORLD_SIZE", "5", 1);
  EXPECT_EQ(parse_part("env"), (Part{1, 5}));
  ::setenv("RANK", "five", 1);
  EXPECT_THROW(parse_part("env"), UsageError);
  ::unsetenv("RANK");
}

TEST(Part, RangesCoverEverySampleOnce) {
  for (const std::size_t samples : {0u, 1u, 5u, 48u, 100u}) {
    for (const std::size_t count : {1u, 3u, 7u}) {
      std::size_t next = 0;
      for (std::size_t number = 1; number <= count; ++number) {
        const SampleRange range = range_of({number, count}, samples);
        EXPECT_EQ(range.first, next);
        EXPECT_LE(range.size(), samples / count + 1);
        next = range.end;
      }
      EXPECT_EQ(next, samples);
    }
  }
}

}  // namespace
}  // namespace genu::pipeline
