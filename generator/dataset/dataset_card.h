// README.md and croissant.json of a dataset: what it is, for people and for machines, drawn from the run itself.
#pragma once

#include <string>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/statistics.h"

namespace genu::generator {

// The dataset card in Markdown.
std::string dataset_card(const GenerateConfig& config, const ManifestStatistics& statistics);

// Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html): files, and one record a manifest row.
std::string croissant_json(const GenerateConfig& config, const ManifestStatistics& statistics,
                           const std::string& manifest_sha256);

}  // namespace genu::generator
