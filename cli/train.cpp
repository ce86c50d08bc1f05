#include "cli/commands.h"
#include "core/errors.h"

namespace genu::cli {

Command train_command() {
  return {"train", "", [](const std::vector<std::string>&) -> int { throw InternalError("train: not written"); }};
}

}  // namespace genu::cli
