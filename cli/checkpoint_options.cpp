#include "cli/checkpoint_options.h"

#include "core/hash.h"

namespace genu::cli {

void add_device_option(CLI::App& app, std::string& device) {
  app.add_option("--device", device, "cpu, cuda, or auto = a GPU where there is one")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
}

train::DeviceChoice device_named(const std::string& word) {
  if (word == "cuda") return train::DeviceChoice::kCuda;
  return word == "cpu" ? train::DeviceChoice::kCpu : train::DeviceChoice::kAuto;
}

void add_checkpoint(RunRecord& record, const train::Grader& grader) {
  const auto weights = grader.folder() / "model.safetensors";
  record.add_input(weights.string(), to_hex(sha256_file(weights)));
}

}  // namespace genu::cli
