#include "cli/knee_files.h"

#include <fmt/format.h>

#include <cctype>

#include "core/errors.h"

namespace genu::cli {

namespace {

// "9001400R" -> right: a digit, then L or R at the end of the stem.
std::optional<KneeSide> side_from_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  if (stem.size() < 2 || std::isdigit(static_cast<unsigned char>(stem[stem.size() - 2])) == 0) return std::nullopt;
  return parse_knee_side(stem.substr(stem.size() - 1));
}

}  // namespace

std::optional<KneeSide> side_of(const std::filesystem::path& file, const std::string& choice) {
  if (choice == "auto") return side_from_name(file);
  if (choice == "unknown") return std::nullopt;
  return parse_knee_side(choice);
}

pipeline::PreprocessConfig preprocess_of(const train::GraderConfig& grader, const std::string& name) {
  pipeline::PreprocessConfig preprocess;
  try {
    read_config(preprocess, parse_yaml_text(grader.preprocess, name + ": preprocess"));
  } catch (const ConfigError& error) {
    throw DataError(fmt::format("{} (a checkpoint's grader.yaml: restore it, or train again)", error.what()));
  }
  return preprocess;
}

}  // namespace genu::cli
