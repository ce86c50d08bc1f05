// The picture a person looks at first: rows are KL grades, each knee captioned with what it shows.
#pragma once

#include <cstdint>
#include <vector>

#include "generator/dataset/generate_config.h"
#include "generator/dataset/knee_sample.h"

namespace genu::generator {

// PNG bytes; `columns` knees a grade, drawn from the first split that holds images (as many as it has).
std::vector<std::uint8_t> make_contact_sheet(const GenerateConfig& config, const RenderResources& resources,
                                             int columns);

}  // namespace genu::generator
