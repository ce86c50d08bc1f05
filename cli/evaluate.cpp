#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command evaluate_command() {
  return {"evaluate", "", [](const std::vector<std::string>&) -> int { throw InternalError("evaluate: not written"); }};
}

}  // namespace genu::cli
