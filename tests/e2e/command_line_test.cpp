#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/files.h"
#include "tests/e2e/run_genu.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// One clear line: what it must name, and nothing on stdout.
void expect_one_line(const ProgramRun& run, int exit_code, const std::string& part) {
  EXPECT_EQ(run.exit_code, exit_code) << run.err;
  EXPECT_EQ(lines_in(run.err), 1u) << run.err;
  EXPECT_NE(run.err.find(part), std::string::npos) << run.err;
  EXPECT_EQ(run.out, "");
}

// Commands of this build; the sanitizer presets leave the trainer out.
std::vector<std::string> built_commands() {
  std::vector<std::string> commands = {"generate", "calibrate", "ingest",  "split",
                                       "shard",    "verify",    "inspect", "compare"};
#ifdef GENU_WITH_TRAIN
  commands.insert(commands.end(), {"train", "crossval", "evaluate", "export", "predict", "explain"});
#endif
  return commands;
}

std::vector<std::string> configured_commands() {
  std::vector<std::string> commands = {"generate", "shard"};
#ifdef GENU_WITH_TRAIN
  commands.push_back("train");
#endif
  return commands;
}

TEST(CommandLine, HelpNamesEveryCommand) {
  const ProgramRun run = run_genu("--help");
  EXPECT_EQ(run.exit_code, 0);
  for (const std::string command : {"generate", "calibrate", "ingest", "split", "shard", "verify", "inspect", "compare",
                                    "train", "crossval", "evaluate", "export", "predict", "explain"}) {
    const std::size_t line = run.out.find("\n  " + command + " ");
    ASSERT_NE(line, std::string::npos) << command;
    // And says what it does.
    const std::size_t summary = run.out.find_first_not_of(' ', line + 3 + command.size());
    EXPECT_NE(run.out[summary], '\n') << command;
  }
  EXPECT_EQ(run.err, "");
}

TEST(CommandLine, HelpLoadsNeitherTorchNorImageCodecs) {
  const ProgramRun run = run_genu("--help", "LD_DEBUG=files ");
  EXPECT_NE(run.err.find("libc.so"), std::string::npos);  // the loader did report
  EXPECT_EQ(run.err.find("torch"), std::string::npos);
  EXPECT_EQ(run.err.find("imgcodecs"), std::string::npos);
  EXPECT_EQ(run.err.find("libdcm"), std::string::npos);
}

TEST(CommandLine, EveryCommandHasHelpAndVersionIsPrinted) {
  for (const std::string& command : built_commands()) {
    const ProgramRun run = run_genu(command + " --help");
    EXPECT_EQ(run.exit_code, 0) << command << run.err;
    EXPECT_NE(run.out.find("--"), std::string::npos) << command;
  }
  EXPECT_TRUE(run_genu("--version").out.starts_with("genu 0."));
}

TEST(CommandLine, WrongUsageIsOneLineAndExitCode2) {
  expect_one_line(run_genu("polish"), 2, "unknown command 'polish'");
  expect_one_line(run_genu("generate --no-such-option"), 2, "--no-such-option");
  expect_one_line(run_genu("shard --out x"), 2, "no source");
}

TEST(CommandLine, WrongConfigNamesFileAndLine) {
  const TemporaryFolder folder;
  const std::string config = (folder.path() / "c.yaml").string();
  const std::string out = (folder.path() / "out").string();
  for (const std::string& command : configured_commands()) {
    write_file_atomically(config, "\nno_such_key: 1\n");
    const std::string rest = command == "train" ? " --shards /nonexistent" : "";
    expect_one_line(run_genu(command + " --config " + config + " --out " + out + rest), 2,
                    config + ":2: unknown key 'no_such_key'");
    EXPECT_FALSE(std::filesystem::exists(out)) << command;
  }
  expect_one_line(run_genu("generate --config /nonexistent.yaml --out " + out), 4, "/nonexistent.yaml");
}

TEST(CommandLine, PrintedConfigIsTheConfig) {
  const TemporaryFolder folder;
  const std::string config = (folder.path() / "c.yaml").string();
  for (const std::string& command : configured_commands()) {
    const ProgramRun first = run_genu(command + " --print-config");
    ASSERT_EQ(first.exit_code, 0) << first.err;
    write_file_atomically(config, first.out);
    EXPECT_EQ(run_genu(command + " --print-config --config " + config).out, first.out) << command;
    EXPECT_EQ(run_genu(command + " --help-config").exit_code, 0) << command;
  }
}

}  // namespace
}  // namespace genu
