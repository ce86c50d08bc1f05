// run.json: what a command was, with what, on what, and how long; written beside every output.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace genu {

// "0.1.0".
std::string_view version();
// The git revision the program was built from, "+dirty" if the tree had changes, "unknown" outside git.
std::string_view git_revision();

class RunRecord {
 public:
  RunRecord(std::vector<std::string> arguments, std::string resolved_config_yaml);

  void add_input(const std::string& path, const std::string& sha256_hex) { inputs_[path] = sha256_hex; }
  void add_library(const std::string& name, const std::string& library_version) { libraries_[name] = library_version; }
  void add_result(const std::string& name, const std::string& value) { results_[name] = value; }
  // Wall time counts from construction. Throws IoError.
  void write(const std::filesystem::path& path) const;
  // To OUTPUT.run.json, or OUTPUT<mark>.run.json, whether or not the name of the output ends in a slash: an output
  // folder is a function of its config alone.
  void write_beside(const std::filesystem::path& output, const std::string& mark = "") const;

 private:
  std::vector<std::string> arguments_;
  std::string resolved_config_yaml_;
  std::chrono::system_clock::time_point started_;
  std::chrono::steady_clock::time_point steady_start_;
  std::map<std::string, std::string> inputs_;
  std::map<std::string, std::string> libraries_;
  std::map<std::string, std::string> results_;
};

}  // namespace genu
