// Manifests: CSV tables of samples. `genu ingest` writes one; `genu generate` writes a wider one into its dataset
// folder.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Columns that say how good each image is; nothing depends on them, so a reader of manifests passes them over.
inline constexpr std::string_view kQualityPrefix = "quality_";
struct QualityCells {
  std::vector<std::string> columns;            // without the prefix
  std::vector<std::vector<std::string>> rows;  // one a sample, one cell a column; empty where there are no columns
};

// path,id,split,kl,kl_read,side,subject,source,sha256; paths absolute, an unknown side is empty. Where a sample has
// them also box_{left,top,width,height}_px, pixel_spacing_mm and pixel_spacing_at, reads and label_rule, and the OARSI
// grades (source_sample.h says what they mean).
std::string manifest_csv(std::span<const SourceSample> samples, const QualityCells& quality = {});

// Reads what manifest_csv() wrote, but for the quality columns. Relative paths start at the manifest's folder.
// Columns: path and kl are needed; id (else the path), split (else train), kl_read (else kl), side, subject, source
// (else mendeley) and all others may be missing. Unknown columns are faults. Where the column subject is missing,
// subject and side come from the file's name (names.h), else the picture is its own subject (a note says so); an empty
// cell in it is a fault, and so is a box that lacks a number. Throws IoError or DataError ("file:line: fault; remedy").
SourceListing read_manifest(const std::filesystem::path& path, FaultPolicy policy);

// The dataset folder of `genu generate`: FOLDER/manifest.csv and the images it names.
SourceListing list_synthetic(const std::filesystem::path& folder, FaultPolicy policy);

}  // namespace genu::pipeline
