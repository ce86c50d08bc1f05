#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command verify_command() {
  return {"verify", "", [](const std::vector<std::string>&) -> int { throw InternalError("verify: not written"); }};
}

}  // namespace genu::cli
