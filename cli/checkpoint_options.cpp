#include "cli/checkpoint_options.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/hash.h"

namespace genu::cli {

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
