// genu shard: merges sources, proves the split, prepares every image and writes shards.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/run_record.h"
#include "pipeline/pack/pack_shards.h"
#include "pipeline/shard/hdf5_file.h"
#include "pipeline/source/manifest.h"
#include "pipeline/source/mendeley.h"

namespace genu::cli {

namespace {

using namespace genu::pipeline;

enum class SourceKind : std::uint8_t { kSynthetic, kMendeley, kManifest };

struct SourceConfig {
  SourceKind kind = SourceKind::kSynthetic;
  std::string path;
  void list_fields(FieldList& fields) {
    fields.choice("kind", kind,
                  {{"synthetic", SourceKind::kSynthetic},
                   {"mendeley", SourceKind::kMendeley},
                   {"manifest", SourceKind::kManifest}},
                  "layout of the source");
    fields.add("path", path, "folder, or CSV file for a manifest");
  }
};

// The stored config plus where the images lie, which is not stored.
struct CommandConfig {
  ShardConfig shard;
  std::vector<SourceConfig> sources;
  void list_fields(FieldList& fields) {
    shard.list_fields(fields);
    fields.items("sources", sources, "sources beside those of the command line");
  }
};

struct Options {
  CommonOptions common;
  std::vector<std::string> synthetic;
  std::vector<std::string> mendeley;
  std::vector<std::string> manifests;
  std::string out;
  int threads = 0;
  bool strict = false;
  bool dry_run = false;

  FaultPolicy policy() const { return strict ? FaultPolicy::kStop : FaultPolicy::kSkip; }
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--synthetic", options.synthetic, "dataset folder of `genu generate`; may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--mendeley", options.mendeley, "folder with SPLIT/GRADE/SUBJECTSIDE.png; may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--manifest", options.manifests, "manifest of `genu ingest`; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--out", options.out, "folder for shards.json and the shards")->type_name("DIR");
  app.add_option("--threads", options.threads, "0 = one a processor; changes speed only")
      ->type_name("N")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--strict", options.strict, "stop at the first fault instead of leaving the file out");
  app.add_flag("--dry-run", options.dry_run, "print splits, sources and grades as they would be packed, and stop");
  add_config_options(app, options.common);
  add_output_options(app, options.common);
}

std::vector<SourceConfig> all_sources(const CommandConfig& config, const Options& options) {
  std::vector<SourceConfig> sources = config.sources;
  for (const auto& path : options.synthetic) sources.push_back({SourceKind::kSynthetic, path});
  for (const auto& path : options.mendeley) sources.push_back({SourceKind::kMendeley, path});
  for (const auto& path : options.manifests) sources.push_back({SourceKind::kManifest, path});
  if (sources.empty()) throw UsageError("no source; give --synthetic DIR, --mendeley DIR or --manifest FILE");
  return sources;
}

SourceListing list_source(const SourceConfig& source, FaultPolicy policy) {
  switch (source.kind) {
    case SourceKind::kSynthetic:
      return list_synthetic(source.path, policy);
    case SourceKind::kMendeley:
      return list_mendeley(source.path, policy);
    case SourceKind::kManifest:
      return read_manifest(source.path, policy);
  }
  throw InternalError("unknown kind of source");
}

SourceListing list_all(const std::vector<SourceConfig>& sources, FaultPolicy policy) {
  SourceListing all;
  for (const SourceConfig& source : sources) {
    SourceListing one = list_source(source, policy);
    std::move(one.samples.begin(), one.samples.end(), std::back_inserter(all.samples));
    std::move(one.skipped.begin(), one.skipped.end(), std::back_inserter(all.skipped));
  }
  return all;
}

nlohmann::ordered_json to_json(const SplitTable& table) {
  nlohmann::ordered_json json;
  for (const auto& [split, sources] : table) {
    for (const auto& [source, counts] : sources) {
      json[std::string(to_string(split))][std::string(to_string(source))] = counts;
    }
  }
  return json;
}

int print_dry_run(const std::vector<SourceSample>& samples, const Options& options) {
  check_splits(samples);
  const SplitTable table = count_samples(samples);
  if (options.common.json) {
    std::puts(nlohmann::ordered_json{{"counts", to_json(table)}}.dump(2).c_str());
  } else {
    std::fputs(to_text(table).c_str(), stdout);
  }
  return 0;
}

void print(const PackReport& report, const Options& options, std::size_t left_out) {
  if (options.common.json) {
    const nlohmann::ordered_json json = {{"out", options.out},
                                         {"counts", to_json(report.table)},
                                         {"rows", report.rows},
                                         {"shards", report.shards},
                                         {"negatives_righted", report.negatives_righted},
                                         {"right_knees_mirrored", report.mirrored},
                                         {"left_out", left_out},
                                         {"training_mean_grey", report.training_pixels.mean_grey},
                                         {"training_sd_grey", report.training_pixels.sd_grey},
                                         {"index_sha256", report.index_sha256_hex}};
    std::puts(json.dump(2).c_str());
    return;
  }
  std::fputs(to_text(report.table).c_str(), stdout);
  std::puts(fmt::format("{} rows in {} shards in {}; {} negatives righted, {} right knees mirrored, {} left out; "
                        "training grey {:.1f} +- {:.1f}",
                        report.rows, report.shards, options.out, report.negatives_righted, report.mirrored, left_out,
                        report.training_pixels.mean_grey, report.training_pixels.sd_grey)
                .c_str());
}

void write_run_record(RunRecord& record, const PackReport& report, const Options& options) {
  record.add_library("hdf5", hdf5_version());
  record.add_result("rows", std::to_string(report.rows));
  record.add_result("index_sha256", report.index_sha256_hex);
  const std::filesystem::path out = std::filesystem::path(options.out).lexically_normal();
  const std::filesystem::path folder = out.has_filename() ? out : out.parent_path();
  record.write(folder.string() + ".run.json");
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Merges sources, proves that no subject or image is in two splits, and writes training shards.",
               "shard");
  add_options(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  auto config = load_config<CommandConfig>(options.common.config, options.common.overrides);
  if (options.common.help_config) return std::fputs(help_text(list_fields(config)).c_str(), stdout), 0;
  if (options.common.print_config) return std::fputs(to_yaml(config).c_str(), stdout), 0;

  const auto sources = all_sources(config, options);
  if (options.out.empty() && !options.dry_run) throw UsageError("--out is required");
  RunRecord record(arguments, to_yaml(config));
  const SourceListing listing = list_all(sources, options.policy());
  for (const SkippedInput& skipped : listing.skipped) log_warning(skipped.message);
  const auto samples = choose_samples(listing.samples, config.shard);
  if (options.dry_run) return print_dry_run(samples, options);

  const PackReport report = pack_shards(samples, config.shard, {options.out, options.threads, options.policy()});
  for (const SkippedInput& skipped : report.skipped) log_warning(skipped.message);
  write_run_record(record, report, options);
  print(report, options, listing.skipped.size() + report.skipped.size());
  return 0;
}

}  // namespace

Command shard_command() { return {"shard", "pack images into training shards, with a proof of the split", run}; }

}  // namespace genu::cli
