// One command of the program. Each lives in a file of its own; main() only finds it and calls it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace genu::cli {

struct Command {
  std::string name;
  std::string summary;  // one line for `genu --help`
  // Runs the command with its arguments, its own name first. Returns the exit code; errors are thrown.
  std::function<int(const std::vector<std::string>& arguments)> run;
};

// Options that every configured command takes.
struct CommonOptions {
  std::string config;                  // --config FILE
  std::vector<std::string> overrides;  // --set key=value, repeated
  bool print_config = false;           // --print-config: the resolved config on stdout, then stop
  bool help_config = false;            // --help-config: every key with type, range, default and meaning
  bool json = false;                   // --json: results for machines
  bool quiet = false;                  // --quiet: warnings and errors only
};

void add_config_options(CLI::App& app, CommonOptions& options);
void add_output_options(CLI::App& app, CommonOptions& options);

// Parses; returns false if the command is already answered (--help). Throws UsageError on a wrong command line.
bool parse(CLI::App& app, const std::vector<std::string>& arguments, const CommonOptions& options);

// Calls `body` and turns what it throws into one line on stderr and an exit code. The only catch of a command.
int run_guarded(const std::function<int()>& body);

}  // namespace genu::cli
