#include "tests/e2e/run_genu.h"

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "core/files.h"
#include "tests/temporary_folder.h"

namespace genu {

ProgramRun run_shell(const std::string& command) {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "out").string();
  const std::string err = (folder.path() / "err").string();
  const int status = std::system(("{ " + command + "\n} >" + out + " 2>" + err + " </dev/null").c_str());
  ProgramRun run;
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  run.out = read_text_file(out);
  run.err = read_text_file(err);
  return run;
}

ProgramRun run_genu(const std::string& arguments, const std::string& before) {
  return run_shell("cd " GENU_SOURCE_DIR " && " + before + GENU_BINARY " " + arguments);
}

std::string real_data_folder() {
  const char* given = std::getenv("GENU_REAL_DATA");
  const std::filesystem::path path =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(GENU_SOURCE_DIR) / ".." / "shared" / "data" / "mendeley";
  return std::filesystem::is_directory(path / "train") ? path.lexically_normal().string() : "";
}

}  // namespace genu
