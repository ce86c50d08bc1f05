// genu shard: merges sources, proves the split, prepares every image and writes shards.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/source_options.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/run_record.h"
#include "pipeline/pack/pack_shards.h"
#include "pipeline/pack/stale_check.h"
#include "pipeline/shard/hdf5_file.h"

namespace genu::cli {

namespace {

using namespace genu::pipeline;

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
  SourceOptions sources;
  std::string out;
  int threads = 0;
  bool strict = false;
  bool dry_run = false;
  bool check = false;
  bool resume = false;
  std::string part;       // "i/n" or "env"
  std::size_t merge = 0;  // parts to join; 0 = none

  FaultPolicy policy() const { return strict ? FaultPolicy::kStop : FaultPolicy::kSkip; }
};

void add_options(CLI::App& app, Options& options) {
  add_source_options(app, options.sources, ManifestSources::kOffered);
  app.add_option("--out", options.out, "folder for shards.json and the shards")->type_name("DIR");
  app.add_option("--threads", options.threads, "0 = one a processor; changes speed only")
      ->type_name("N")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--strict", options.strict, "stop at the first fault instead of leaving the file out");
  app.add_flag("--dry-run", options.dry_run, "print splits, sources and grades as they would be packed, and stop");
  app.add_flag("--check", options.check,
               "write nothing; say whether the shards in the folder are still what these sources and this config give "
               "(exit code 3 if not)");
  app.add_flag("--resume", options.resume, "go on with what a killed run left; the result is the same, byte for byte");
  auto* part = app.add_option("--part", options.part,
                              "prepare part i of n only (1 <= i <= n); env = from RANK and WORLD_SIZE or from "
                              "SLURM_ARRAY_TASK_ID and its kin")
                   ->type_name("i/n|env");
  app.add_option("--merge", options.merge, "join N finished parts that lie in the folder")
      ->type_name("N")
      ->check(CLI::Range(1, 100000))
      ->excludes(part);
  add_config_options(app, options.common);
  add_output_options(app, options.common);
}

std::vector<SourceConfig> all_sources(const CommandConfig& config, const Options& options) {
  std::vector<SourceConfig> sources = config.sources;
  const auto chosen = chosen_sources(options.sources);
  sources.insert(sources.end(), chosen.begin(), chosen.end());
  if (sources.empty())
    throw UsageError("no source; give --synthetic DIR, --mendeley DIR, --csv FILE or --manifest FILE");
  return sources;
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

nlohmann::ordered_json to_json(const PackReport& report, const Options& options, std::size_t left_out) {
  return {{"out", options.out},
          {"counts", to_json(report.table)},
          {"rows", report.rows},
          {"shards", report.shards},
          {"resumed_samples", report.resumed_samples},
          {"negatives_righted", report.negatives_righted},
          {"right_knees_mirrored", report.mirrored},
          {"left_out", left_out},
          {"coloured", report.coloured.size()},
          {"training_mean_grey", report.training_pixels.mean_grey},
          {"training_sd_grey", report.training_pixels.sd_grey},
          {"index_sha256", report.index_sha256_hex}};
}

void print(const PackReport& report, const Options& options, std::size_t left_out) {
  if (options.common.json) {
    std::puts(to_json(report, options, left_out).dump(2).c_str());
    return;
  }
  if (report.resumed_samples > 0) {
    std::puts(fmt::format("{} samples taken over from the interrupted run", report.resumed_samples).c_str());
  }
  if (!options.part.empty()) {
    std::puts(fmt::format("{} rows of this part in {}; {} left out; join the parts with --merge N", report.rows,
                          options.out, left_out)
                  .c_str());
    return;
  }
  std::fputs(to_text(report.table).c_str(), stdout);
  std::puts(fmt::format("{} rows in {} shards in {}; {} negatives righted, {} right knees mirrored, {} left out; "
                        "training grey {:.1f} +- {:.1f}",
                        report.rows, report.shards, options.out, report.negatives_righted, report.mirrored, left_out,
                        report.training_pixels.mean_grey, report.training_pixels.sd_grey)
                .c_str());
}

// Beside the folder, never in it. Each part has its own.
void write_run_record(RunRecord& record, const PackReport& report, const Options& options, const Part& part) {
  record.add_library("hdf5", hdf5_version());
  record.add_result("rows", std::to_string(report.rows));
  record.add_result("index_sha256", report.index_sha256_hex);
  record.write_beside(options.out, options.part.empty() ? "" : fmt::format(".part-{}-of-{}", part.number, part.count));
}

int print_check(const std::vector<SourceSample>& samples, const ShardConfig& config, const Options& options) {
  const StaleReport report = check_stale(samples, config, options.out, options.threads);
  if (options.common.json) {
    std::puts(nlohmann::ordered_json{{"stale", report.is_stale()}, {"reasons", report.reasons}}.dump(2).c_str());
  } else {
    for (const std::string& reason : report.reasons) std::puts(reason.c_str());
    std::puts(fmt::format("{}: {}, {} images compared", options.out, report.is_stale() ? "stale" : "up to date",
                          report.compared)
                  .c_str());
  }
  return static_cast<int>(report.is_stale() ? ExitCode::kData : ExitCode::kOk);
}

PackReport pack(const std::vector<SourceSample>& samples, const ShardConfig& config, const Options& options,
                const Part& part) {
  const PackOptions how{options.out, options.threads, options.policy(), options.resume ? Resume::kGoOn : Resume::kAnew};
  if (!options.part.empty()) return pack_part(samples, config, how, part);
  if (options.merge > 0) return merge_parts(samples, config, how, options.merge);
  return pack_shards(samples, config, how);
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
  const Part part = options.part.empty() ? Part{} : parse_part(options.part);
  RunRecord record(arguments, to_yaml(config));
  SourceListing listing = list_sources(sources, options.policy());
  for (const std::string& note : listing.notes) log_info(note);
  for (const SkippedInput& skipped : listing.skipped) log_warning(skipped.message);
  const auto samples = choose_samples(std::move(listing.samples), config.shard);
  if (options.dry_run) return print_dry_run(samples, options);

  if (options.check) return print_check(samples, config.shard, options);
  const PackReport report = pack(samples, config.shard, options, part);
  for (const SkippedInput& skipped : report.skipped) log_warning(skipped.message);
  for (const auto& path : report.coloured) {
    log_warning(path.string() + ": carries colour and was made grey; look at it, a heat map or marks may be drawn in");
  }
  write_run_record(record, report, options, part);
  print(report, options, listing.skipped.size() + report.skipped.size());
  return 0;
}

}  // namespace

Command shard_command() { return {"shard", "pack images into training shards, with a proof of the split", run}; }

}  // namespace genu::cli
