#include "cli/train_module.h"

#include <vector>

#include "cli/commands.h"
#include "core/errors.h"

extern "C" __attribute__((visibility("default"))) int genu_train_module_run(int argument_count,
                                                                            const char* const* arguments) {
  using namespace genu::cli;
  return run_guarded([&]() -> int {
    const std::vector<std::string> all(arguments, arguments + argument_count);
    for (const Command& command : {train_command(), crossval_command(), evaluate_command(), export_command(),
                                   predict_command(), explain_command()}) {
      if (command.name == all.at(0)) return command.run(all);
    }
    throw genu::InternalError("the trainer's module has no command '" + all.at(0) + "'");
  });
}
