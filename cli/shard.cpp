#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command shard_command() {
  return {"shard", "", [](const std::vector<std::string>&) -> int { throw InternalError("shard: not written"); }};
}

}  // namespace genu::cli
