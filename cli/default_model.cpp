#include "cli/default_model.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/errors.h"
#include "core/module.h"

namespace genu::cli {

std::filesystem::path default_model() {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv("GENU_MODEL"); named != nullptr && *named != '\0') return named;
  const fs::path program = program_folder();
  const fs::path installed = (program / GENU_INSTALLED_MODELS / GENU_DEFAULT_MODEL).lexically_normal();
  const fs::path source = fs::path(GENU_SOURCE_MODELS) / GENU_DEFAULT_MODEL;
  for (const fs::path& folder : {installed, source}) {
    std::error_code ignored;
    if (fs::exists(folder / "model.safetensors", ignored)) return folder;
  }
  throw UsageError(fmt::format("no grader at {} nor {}; name one with --checkpoint or GENU_MODEL", installed.string(),
                               source.string()));
}

}  // namespace genu::cli
