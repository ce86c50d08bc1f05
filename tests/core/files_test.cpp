#include "core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/errors.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(AtomicFile, AppearsOnlyOnCommit) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a.txt";
  {
    AtomicFile file(path);
    file.write("hello");
    EXPECT_FALSE(fs::exists(path));
    file.commit();
    EXPECT_EQ(read_text_file(path), "hello");
  }
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, LeavesNothingWhenAbandoned) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "a.txt", "old");
  {
    AtomicFile file(folder.path() / "a.txt");
    file.write("new");
  }
  EXPECT_EQ(read_text_file(folder.path() / "a.txt"), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, KilledWriterLeavesTheOldFileAndARemovableTemporary) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "a.txt", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(folder.path() / "a.txt");
    file.write("new");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_text_file(folder.path() / "a.txt"), "old");
  EXPECT_EQ(files_in(folder.path()), 2u);
  EXPECT_EQ(remove_stale_temporaries(folder.path()), 1u);
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(AtomicFile, FullDiskIsAnIoErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  // A file size limit makes write() fail the way a full disk does, part-way through.
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_file_atomically(folder.path() / "big", std::string(10000, 'x')), IoError);
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(files_in(folder.path()), 0u);
}

TEST(AtomicFile, MissingFolderIsAnIoErrorThatNamesTheFile) {
  try {
    write_file_atomically("/nonexistent/folder/a.txt", "x");
    FAIL() << "no error";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find("/nonexistent/folder/a.txt"), std::string::npos);
    EXPECT_EQ(error.exit_code(), ExitCode::kIo);
  }
}

TEST(ReadFile, NamesWhatIsWrong) {
  EXPECT_THROW(read_file("/nonexistent"), IoError);
  EXPECT_THROW(read_file("/tmp"), IoError);
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "empty", "");
  EXPECT_TRUE(read_file(folder.path() / "empty").empty());
}

}  // namespace
}  // namespace genu
