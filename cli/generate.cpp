#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command generate_command() {
  return {"generate", "", [](const std::vector<std::string>&) -> int { throw InternalError("generate: not written"); }};
}

}  // namespace genu::cli
