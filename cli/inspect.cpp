#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command inspect_command() {
  return {"inspect", "", [](const std::vector<std::string>&) -> int { throw InternalError("inspect: not written"); }};
}

}  // namespace genu::cli
