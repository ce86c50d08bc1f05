#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command predict_command() {
  return {"predict", "", [](const std::vector<std::string>&) -> int { throw InternalError("predict: not written"); }};
}

}  // namespace genu::cli
