// Listing folders in an order that depends on names alone.
#pragma once

#include <filesystem>
#include <vector>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Entries in the order of their names. Throws IoError if the folder cannot be read.
std::vector<std::filesystem::path> sorted_entries(const std::filesystem::path& folder);

// A loop of links is no folder.
bool is_folder(const std::filesystem::path& path);

// Every file under the folder, at any depth, in the order of their paths. Links to folders are followed once; a link
// that leads back to a folder above it, and a folder that cannot be read, are faults.
// Throws IoError if `folder` is none, DataError at the first fault under FaultPolicy::kStop.
std::vector<std::filesystem::path> files_under(const std::filesystem::path& folder, FaultPolicy policy,
                                               std::vector<SkippedInput>& skipped);

}  // namespace genu::pipeline
