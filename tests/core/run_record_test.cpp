#include "core/run_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

nlohmann::json written(const std::filesystem::path& path) { return nlohmann::json::parse(read_text_file(path)); }

TEST(RunRecord, LiesBesideTheOutputHoweverItIsNamed) {
  const TemporaryFolder folder;
  const RunRecord record({"genu", "shard"}, "seed: 1\n");
  for (const std::string name : {"plain", "slash/", "dot/./"}) record.write_beside(folder.path() / name);
  for (const char* file : {"plain.run.json", "slash.run.json", "dot.run.json"}) {
    EXPECT_EQ(written(folder.path() / file).at("argv"), (std::vector<std::string>{"genu", "shard"})) << file;
  }
}

// Linux takes any bytes for a name.
TEST(RunRecord, TakesNamesThatAreNoUtf8) {
  const TemporaryFolder folder;
  RunRecord record({"genu", "shard", "--out", "caf\xE9"}, "");
  record.add_input("caf\xE9", "00");
  record.write(folder.path() / "run.json");
  EXPECT_EQ(written(folder.path() / "run.json").at("argv").size(), 4u);
}

}  // namespace
}  // namespace genu
