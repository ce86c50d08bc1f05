// manifest.csv: one row a sample, every number that made it and every label.
#pragma once

#include <string>
#include <vector>

#include "generator/dataset/knee_sample.h"

namespace genu::generator {

// Files of one sample, relative to the dataset folder, and their hashes; no clean picture is "".
struct SamplePaths {
  std::string image;
  std::string image_sha256;
  std::string mask;
  std::string mask_sha256;
  std::string clean;
};

enum class ColumnKind { kText, kNumber };

struct ManifestColumn {
  std::string name;
  ColumnKind kind = ColumnKind::kText;
};

// First the contract's columns (id, path, split, kl, ... , seed, sha256), then everything else, in stages.
// docs/dataset_format.md explains each; a test compares.
const std::vector<ManifestColumn>& manifest_columns();
std::vector<std::string> manifest_header();

// Lengths and angles carry three decimals, so a row is the same on every machine.
std::vector<std::string> manifest_row(const GenerateConfig& config, const KneeSample& sample, const SamplePaths& paths);

}  // namespace genu::generator
