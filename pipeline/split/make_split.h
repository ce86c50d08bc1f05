// The samples of a manifest in parts.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/loader/stratified_parts.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// The part of each sample, as of its subject, source and reference grade.
std::vector<std::size_t> stratified_parts(std::span<const SourceSample> samples, const PartConfig& config);

}  // namespace genu::pipeline
