// Manifests: CSV tables of samples. `genu ingest` writes one; `genu generate` writes a wider one into its dataset
// folder.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// path,id,split,kl,kl_read,side,subject,source,sha256; paths absolute, an unknown side is empty.
std::string manifest_csv(std::span<const SourceSample> samples);

// Reads what manifest_csv() wrote. Relative paths start at the manifest's folder. Columns: path and kl are needed;
// id (else the path), split (else train), kl_read (else kl), side, subject (else the id), source (else mendeley) and
// sha256 may be missing. Unknown columns are faults.
// Throws IoError or DataError ("file:line: fault; remedy").
SourceListing read_manifest(const std::filesystem::path& path, FaultPolicy policy);

// The dataset folder of `genu generate`: FOLDER/manifest.csv and the images it names.
SourceListing list_synthetic(const std::filesystem::path& folder, FaultPolicy policy);

}  // namespace genu::pipeline
