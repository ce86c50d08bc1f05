// Writes a synthetic dataset folder.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "generator/dataset/generate_config.h"

namespace genu::generator {

enum class ExistingOutput { kRefuse, kReplace };

struct GenerateOptions {
  std::filesystem::path out;
  int threads = 0;  // 0: as many as the machine has
  ExistingOutput existing = ExistingOutput::kRefuse;
};

struct GenerateResult {
  std::size_t images = 0;
  std::string manifest_sha256;
  double seconds = 0;
};

// Writes images, masks, manifest.csv, README.md, contact_sheet.png and, last of all, dataset.yaml: a folder that has
// it is whole. The bytes are a pure function of `config`, whatever the number of threads; memory does not grow with
// the number of images. kReplace removes an older dataset's own files first and nothing else.
// Throws UsageError if `out` holds anything and may not be replaced, ConfigError if there is nothing to make or a
// grade cannot be reached, IoError if the disk refuses.
GenerateResult generate_dataset(const GenerateConfig& config, const GenerateOptions& options);

// Draws the contact sheet alone. Throws IoError.
void write_preview(const GenerateConfig& config, const std::filesystem::path& file);

}  // namespace genu::generator
