// genu COMMAND [options]: finds the command and calls it.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/train_module.h"
#include "core/errors.h"
#include "core/module.h"
#include "core/run_record.h"

namespace {

using genu::cli::Command;

// Commands of the trainer's module: known by name here so that --help does not load LibTorch.
int run_in_train_module(const std::vector<std::string>& arguments) {
  const auto path = genu::module_path("libgenu_train_module.so");
  if (!std::filesystem::exists(path)) {
    throw genu::UsageError("this build has no trainer (" + path.string() +
                           " is missing); configure with -DGENU_TRAIN=ON and build again");
  }
  // Threads that wait for the others sleep instead of spinning: beside any other load (our own loader's threads too),
  // spinning made a training step eight times slower. OpenMP reads this when it is loaded.
  ::setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  // c10d tells every retry and every lost peer in a dozen lines of its own; ours is one.
  ::setenv("TORCH_CPP_LOG_LEVEL", "FATAL", /*overwrite=*/0);
  const auto run =
      genu::module_function<decltype(&genu_train_module_run)>(path, "genu_train_module_run", "the trainer");
  std::vector<const char*> pointers;
  for (const auto& argument : arguments) pointers.push_back(argument.c_str());
  return run(static_cast<int>(pointers.size()), pointers.data());
}

std::vector<Command> all_commands() {
  std::vector<Command> commands = genu::cli::data_commands();
  for (const auto& [name, summary] : genu::cli::train_command_summaries()) {
    commands.push_back({name, summary, run_in_train_module});
  }
  return commands;
}

std::string help_text(const std::vector<Command>& commands) {
  std::string text =
      "genu makes graded synthetic knee radiographs, packs synthetic and real ones into training shards\n"
      "and trains Kellgren-Lawrence graders on them. Research software; not for diagnosis.\n\n"
      "usage: genu COMMAND [--config FILE] [--set key=value ...] [options]\n\n";
  for (const auto& command : commands) text += fmt::format("  {:<10} {}\n", command.name, command.summary);
  return text +
         "\n`genu COMMAND --help` lists a command's options, `--help-config` its config keys where it has any.\n"
         "Exit codes: 0 ok, 2 usage or config, 3 bad data, 4 I/O, 5 internal.\n";
}

int dispatch(const std::vector<std::string>& arguments) {
  const auto commands = all_commands();
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    std::fputs(help_text(commands).c_str(), stdout);
    return 0;
  }
  if (arguments[0] == "--version") {
    std::puts(fmt::format("genu {} ({})", genu::version(), genu::git_revision()).c_str());
    return 0;
  }
  for (const auto& command : commands) {
    if (command.name == arguments[0]) return command.run(arguments);
  }
  std::string names;
  for (const auto& command : commands) names += (names.empty() ? "" : ", ") + command.name;
  throw genu::UsageError(fmt::format("unknown command '{}'; commands: {}", arguments[0], names));
}

}  // namespace

int main(int argc, char** argv) {
  return genu::cli::run_guarded([&] { return dispatch({argv + 1, argv + argc}); });
}
