// The lists of commands: those of the program itself and those of the trainer's module.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace genu::cli {

// Commands that need no LibTorch, in the order that data flows.
std::vector<Command> data_commands();

// Name and one-line summary of the commands that the trainer's module runs.
std::vector<std::pair<std::string, std::string>> train_command_summaries();

// One file each.
Command generate_command();
Command calibrate_command();
Command ingest_command();
Command split_command();
Command shard_command();
Command verify_command();
Command inspect_command();
Command compare_command();
Command train_command();
Command crossval_command();
Command evaluate_command();
Command export_command();
Command predict_command();
Command explain_command();

}  // namespace genu::cli
