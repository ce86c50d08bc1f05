// Reads every #include "room/..." in the tree and fails on an arrow that the architecture does not have.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "core/files.h"

namespace genu {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> kRooms = {"core", "generator", "pipeline", "plot", "train", "cli", "tests", "bench"};

// room -> path prefixes that it may include.
const std::map<std::string, std::vector<std::string>> kAllowed = {
    {"core", {"core/"}},
    {"generator", {"core/", "generator/"}},
    {"pipeline", {"core/", "pipeline/"}},
    {"plot", {"core/", "plot/"}},
    {"train", {"core/", "pipeline/loader/", "train/"}},
    {"cli", {"core/", "generator/", "pipeline/", "plot/", "train/", "cli/"}},
};

// System headers that only these folders may include.
const std::vector<std::pair<std::regex, std::vector<std::string>>> kLibraries = {
    {std::regex("<cairo.*>"), {"generator/", "plot/"}},
    {std::regex("<hdf5.*>|<H5.*>"), {"pipeline/shard/"}},
    {std::regex("<boost/.*>"), {"train/metrics/"}},
    {std::regex("<torch/.*>|<ATen/.*>|<c10/.*>"), {"train/"}},
    {std::regex("<dcmtk/.*>"), {"pipeline/decode/dicom_module.cpp", "generator/dicom/dicom_writer_module.cpp"}},
    {std::regex("<opencv2/.*>"),
     {"generator/", "pipeline/source/", "pipeline/decode/", "pipeline/orient/", "pipeline/locate/", "pipeline/quality/",
      "pipeline/split/", "pipeline/preprocess/", "pipeline/pack/", "train/forest/forest_module.cpp"}},
};

bool starts_with_any(const std::string& text, const std::vector<std::string>& prefixes) {
  for (const auto& prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

// "file: what it includes" for every forbidden include of one file.
std::vector<std::string> faults_in(const std::string& relative, const std::string& text) {
  static const std::regex kInclude("^[ \t]*#[ \t]*include[ \t]*(\"[^\"]+\"|<[^>]+>)", std::regex::multiline);
  std::vector<std::string> faults;
  const std::string room = relative.substr(0, relative.find('/'));
  for (std::sregex_iterator it(text.begin(), text.end(), kInclude), end; it != end; ++it) {
    const std::string target = (*it)[1].str();
    bool allowed = true;
    if (target.front() == '"') {
      const std::string path = target.substr(1, target.size() - 2);
      const bool is_room = kRooms.contains(path.substr(0, path.find('/')));
      allowed = is_room && starts_with_any(path, kAllowed.at(room));
    } else {
      for (const auto& [pattern, folders] : kLibraries) {
        if (std::regex_match(target, pattern)) allowed = starts_with_any(relative, folders);
      }
    }
    if (!allowed) faults.push_back(relative + ": " + target);
  }
  return faults;
}

TEST(IncludeArrows, PointOneWay) {
  const fs::path root = GENU_SOURCE_DIR;
  std::size_t files = 0;
  for (const auto& [room, prefixes] : kAllowed) {
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      ++files;
      for (const auto& fault :
           faults_in(entry.path().lexically_relative(root).string(), read_text_file(entry.path()))) {
        ADD_FAILURE() << fault;
      }
    }
  }
  EXPECT_GT(files, 30u);
}

TEST(IncludeArrows, WouldSeeAForbiddenArrow) {
  EXPECT_EQ(faults_in("generator/a.cpp", "#include \"pipeline/loader/loader.h\"\n").size(), 1u);
  EXPECT_EQ(faults_in("pipeline/a.cpp", "  #  include \"generator/a.h\"\n").size(), 1u);
  EXPECT_EQ(faults_in("train/a.cpp", "#include \"pipeline/source/a.h\"\n#include \"pipeline/loader/a.h\"\n").size(),
            1u);
  EXPECT_EQ(faults_in("core/a.h", "#include \"cli/command.h\"\n").size(), 1u);
  EXPECT_EQ(faults_in("pipeline/a.cpp", "#include <torch/torch.h>\n#include <hdf5.h>\n#include <vector>\n").size(), 2u);
  EXPECT_EQ(faults_in("pipeline/decode/dicom.cpp", "#include <dcmtk/dcmdata/dctk.h>\n").size(), 1u);
  EXPECT_EQ(faults_in("generator/a.cpp", "#include \"a.h\"\n").size(), 1u);
  EXPECT_TRUE(faults_in("train/a.cpp", "#include <torch/torch.h>\n#include \"core/config.h\"\n").empty());
}

}  // namespace
}  // namespace genu
