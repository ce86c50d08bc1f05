// Writes a synthetic dataset folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/progress_folder.h"

namespace genu::generator {

// What to do where the folder holds something already.
enum class ExistingOutput {
  kRefuse,
  kReplace,  // remove an older dataset's own files first and nothing else
  kResume,   // finish what a killed run of the same config began; a whole dataset of that config is left as it is
};

struct GenerateOptions {
  std::filesystem::path out;
  int threads = 0;  // 0: as many as the machine has
  ExistingOutput existing = ExistingOutput::kRefuse;
  // One part of several joins a folder that parts of the same config have begun; the last one to end finishes it.
  std::optional<Part> part = std::nullopt;
};

struct GenerateResult {
  std::size_t images = 0;       // of the whole dataset
  std::size_t made = 0;         // by this run
  bool whole = false;           // false: other parts are still to come
  std::string manifest_sha256;  // where whole
  double seconds = 0;
};

// Writes images, masks, documents and, last of all, dataset.yaml: a folder that has it is whole. The bytes are a pure
// function of `config`, whatever the number of threads, parts and restarts; memory does not grow with the number of
// images. Until then OUT/.genu-progress holds the journal (progress_folder.h).
// Throws UsageError if `out` holds anything else and may not be replaced, or is being made from another config;
// ConfigError if there is nothing to make or a grade cannot be reached; IoError if the disk refuses.
GenerateResult generate_dataset(const GenerateConfig& config, const GenerateOptions& options);

// Brings parts that were written to folders of their own together in `options.out` (hard links where the file system
// allows, copies elsewhere; the parts stay as they are) and finishes the dataset. The config is the parts' own.
// Throws UsageError if they were made from different configs, DataError naming the first chunk that no part holds.
GenerateResult merge_parts(const std::vector<std::filesystem::path>& parts, const GenerateOptions& options);

// Draws the contact sheet alone. Throws IoError.
void write_preview(const GenerateConfig& config, const std::filesystem::path& file);

}  // namespace genu::generator
