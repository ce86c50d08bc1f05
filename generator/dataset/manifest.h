// manifest.csv: one row a sample, every number that made it and every label.
#pragma once

#include <string>
#include <vector>

#include "generator/dataset/knee_sample.h"

namespace genu::generator {

// In the order of docs/formats: id, path, split, kl, ... , seed, sha256.
const std::vector<std::string>& manifest_columns();

// `image_path` is relative to the dataset folder; `sha256_hex` is of the image file. Lengths and angles carry three
// decimals, so a row is the same on every machine.
std::vector<std::string> manifest_row(const KneeSample& sample, const std::string& image_path,
                                      const std::string& sha256_hex);

}  // namespace genu::generator
