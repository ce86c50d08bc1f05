#include "cli/checkpoint_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/default_model.h"
#include "core/errors.h"
#include "core/hash.h"

namespace genu::cli {

void add_checkpoint_option(CLI::App& app, std::string& checkpoint) {
  app.add_option(
         "--checkpoint", checkpoint,
         "checkpoint folder, a run's (its best), or its model.safetensors; none = what GENU_MODEL names, else the "
         "grader that ships with genu")
      ->type_name("DIR");
}

train::Grader load_grader(const std::string& checkpoint) {
  return train::Grader::load(checkpoint.empty() ? default_model() : std::filesystem::path(checkpoint));
}

void add_anyway_option(CLI::App& app, bool& anyway) {
  app.add_flag("--grade-anyway", anyway, "grade files too that do not look like a knee radiograph");
}

std::string stranger_message(const std::string& file, double distance, const train::Grader& grader) {
  return fmt::format(
      "{}: not a knee radiograph that can be graded (distance {:.2f}, limit {:.2f}); --grade-anyway grades it all the "
      "same",
      file, distance, *grader.config().distance_limit);
}

void add_device_option(CLI::App& app, std::string& device) {
  std::vector<std::string> words;
  for (const auto& [word, choice] : train::device_words()) words.push_back(word);
  app.add_option("--device", device, "cpu, cuda, or auto = a GPU where there is one")
      ->check(CLI::IsMember(words))
      ->capture_default_str();
}

train::DeviceChoice device_named(const std::string& word) {
  const auto words = train::device_words();
  const auto found = std::find_if(words.begin(), words.end(), [&](const auto& entry) { return entry.first == word; });
  if (found == words.end()) throw InternalError("--device: no such device");
  return found->second;
}

void add_checkpoint(RunRecord& record, const train::Grader& grader) {
  const auto weights = grader.folder() / "model.safetensors";
  record.add_input(weights.string(), to_hex(sha256_file(weights)));
}

}  // namespace genu::cli
