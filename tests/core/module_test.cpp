#include "core/module.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "core/files.h"
#include "tests/temporary_folder.h"

namespace genu {
namespace {

std::string fault_of(const std::filesystem::path& path, const std::string& name) {
  try {
    module_function<void (*)()>(path, name, "the gadget");
  } catch (const InternalError& error) {
    return error.what();
  }
  return "";
}

TEST(Module, LiesBesideTheProgram) {
  EXPECT_TRUE(std::filesystem::exists(module_path("core_tests")));
  EXPECT_EQ(module_path("core_tests").parent_path(), program_folder());
}

TEST(Module, FunctionsOfALibraryAreFound) {
  const auto length = module_function<std::size_t (*)(const char*)>("libc.so.6", "strlen", "the C library");
  EXPECT_EQ(length("knee"), 4U);
}

TEST(Module, FaultsNameWhatDidNotLoad) {
  TemporaryFolder folder;
  const auto path = folder.path() / "gadget.so";
  EXPECT_TRUE(fault_of(path, "run").starts_with("cannot load the gadget: ")) << fault_of(path, "run");
  write_file_atomically(path, "no library");
  EXPECT_NE(fault_of(path, "run").find("gadget.so"), std::string::npos);
  EXPECT_EQ(fault_of("libc.so.6", "genu_gadget_run"), "libc.so.6 is not the gadget of this program; build again");
}

}  // namespace
}  // namespace genu
