// Runs the built program as a user would, and keeps what it said.
#pragma once

#include <string>

namespace genu {

struct ProgramRun {
  int exit_code = 0;  // -1: ended by a signal
  std::string out;
  std::string err;
};

// `arguments` is shell text after the program's name; `before` is shell text put in front of it ("ulimit -f 64; ").
ProgramRun run_genu(const std::string& arguments, const std::string& before = "");

// Any shell command.
ProgramRun run_shell(const std::string& command);

// The folder of real knees, or "" where it is absent.
std::string real_data_folder();

}  // namespace genu
