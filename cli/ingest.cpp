#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command ingest_command() {
  return {"ingest", "", [](const std::vector<std::string>&) -> int { throw InternalError("ingest: not written"); }};
}

}  // namespace genu::cli
