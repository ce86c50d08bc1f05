// Every command line in the documents is one that the program understands, and every file they name is there.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "core/files.h"
#include "tests/e2e/run_genu.h"

#ifdef GENU_WITH_TRAIN  // the documents speak of the whole program

namespace genu {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> documents() {
  const fs::path root = GENU_SOURCE_DIR;
  std::vector<fs::path> found = {root / "README.md", root / "CONTRIBUTING.md", root / "datasets/README.md",
                                 root / "models/README.md", root / "CHANGELOG.md"};
  for (const auto& entry : fs::directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  return found;
}

TEST(Documents, CommandLinesAreUnderstood) {
  static const std::regex kCommand("(?:^|[` /])genu ([a-z]+)((?: +[^`\n|]+)?)");
  static const std::regex kOption("(--[a-z][a-z-]*)");
  std::map<std::string, std::string> help;
  int checked = 0;
  for (const auto& document : documents()) {
    std::string text = read_text_file(document);
    text = std::regex_replace(text, std::regex(" *\\\\\n *"), " ");  // continued lines
    const std::string commands = run_genu("--help").out;
    for (std::sregex_iterator it(text.begin(), text.end(), kCommand), end; it != end; ++it) {
      const std::string command = (*it)[1].str();
      const std::string rest = (*it)[2].str();
      if (commands.find("  " + command + " ") == std::string::npos) continue;  // prose: "genu is ..."
      if (!help.contains(command)) help[command] = run_genu(command + " --help").out;
      for (std::sregex_iterator option(rest.begin(), rest.end(), kOption); option != end; ++option, ++checked) {
        EXPECT_NE(help[command].find((*option)[1].str()), std::string::npos)
            << document << ": genu " << command << " has no " << (*option)[1].str();
      }
    }
  }
  EXPECT_GT(checked, 5);
}

// Whatever is set: in the documents, in the scripts and in the first comments of the configs.
TEST(Documents, ConfigKeysAreKnown) {
  static const std::regex kKey("--set +['\"]?([a-z_0-9.]+)=");
  std::set<std::string> known;
  for (const char* command : {"generate", "shard", "train", "inspect"}) {
    std::istringstream lines(run_genu(std::string(command) + " --help-config").out);
    std::string line, key;
    while (std::getline(lines, line)) {
      if (std::istringstream(line) >> key) known.insert(key);
    }
  }
  std::vector<fs::path> files = documents();
  for (const char* folder : {"scripts", "configs"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(GENU_SOURCE_DIR) / folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  int checked = 0;
  for (const auto& file : files) {
    const std::string text = read_text_file(file);
    for (std::sregex_iterator it(text.begin(), text.end(), kKey), end; it != end; ++it, ++checked) {
      EXPECT_TRUE(known.contains((*it)[1].str())) << file << ": no key " << (*it)[1].str();
    }
  }
  EXPECT_GT(checked, 40);
}

TEST(Documents, NamedFilesExist) {
  static const std::regex kPath(
      "[(`\"]((?:scripts|configs|docs|core|generator|pipeline|train|cli|tests|bench)/"
      "[A-Za-z0-9_./-]*[A-Za-z0-9_])");
  int checked = 0;
  for (const auto& document : documents()) {
    const std::string text = read_text_file(document);
    for (std::sregex_iterator it(text.begin(), text.end(), kPath), end; it != end; ++it, ++checked) {
      EXPECT_TRUE(fs::exists(fs::path(GENU_SOURCE_DIR) / (*it)[1].str())) << document << ": " << (*it)[1].str();
    }
  }
  EXPECT_GT(checked, 10);
}

}  // namespace
}  // namespace genu

#endif
