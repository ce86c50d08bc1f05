// The sources of real and synthetic knees on the command line and in the config; `ingest` and `shard` share them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "core/config.h"
#include "pipeline/source/csv_source.h"
#include "pipeline/source/experts.h"
#include "pipeline/source/films.h"
#include "pipeline/source/source_sample.h"

namespace genu::cli {

enum class SourceKind : std::uint8_t { kSynthetic, kMendeley, kManifest, kCsv, kExperts, kFilms };

// One source. Which members count depends on the kind; docs/sources.md explains each.
struct SourceConfig {
  SourceKind kind = SourceKind::kSynthetic;
  std::string path;                   // folder, or file for csv and manifest; expert 1's for experts
  std::string second;                 // experts: expert 2's
  std::string images;                 // csv: where relative paths start; empty = the file's folder
  std::string columns;                // csv: "kl=KLG,side=knee"
  std::vector<std::string> readings;  // films: reading tables
  std::string visit;                  // films: "V00"
  std::vector<int> projects = pipeline::ReadingConfig{}.projects;  // films: whose reading counts, first to last
  pipeline::SubjectIds subject_ids = pipeline::SubjectIds::kAsRead;
  std::string subject_salt;
  pipeline::ExtraColumns extra_columns = pipeline::ExtraColumns::kRefuse;
  pipeline::ExpertRule expert_rule = pipeline::ExpertRule::kFirst;
  std::optional<pipeline::Source> source;           // whose films they are: films else oai, csv and experts else other
  pipeline::Split split = pipeline::Split::kTrain;  // where the source has no parts of its own
  void list_fields(FieldList& fields);
};

// What the command line says of sources.
struct SourceOptions {
  std::vector<std::string> synthetic;
  std::vector<std::string> mendeley;
  std::vector<std::string> manifests;
  std::vector<std::string> csv;
  std::vector<std::string> experts;  // a pair
  std::string films;
  std::string source_name;  // --source
  SourceConfig common;      // the options that all sources of the command line share
};

enum class ManifestSources : std::uint8_t { kOffered, kNotOffered };

void add_source_options(CLI::App& app, SourceOptions& options, ManifestSources manifests);

// The sources of the command line, in the order synthetic, mendeley, csv, experts, films, manifests. Throws UsageError.
std::vector<SourceConfig> chosen_sources(const SourceOptions& options);

// Throws as the readers of pipeline/source do.
pipeline::SourceListing list_source(const SourceConfig& source, pipeline::FaultPolicy policy);
pipeline::SourceListing list_sources(const std::vector<SourceConfig>& sources, pipeline::FaultPolicy policy);

}  // namespace genu::cli
