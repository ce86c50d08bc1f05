// genu ingest: reads a folder, writes a manifest, changes nothing.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/source_options.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/run_record.h"
#include "pipeline/quality/measure_listing.h"
#include "pipeline/source/manifest.h"
#include "pipeline/split/split_rules.h"

namespace genu::cli {

namespace {

using namespace genu::pipeline;

struct Options {
  CommonOptions common;
  SourceOptions sources;
  std::string out;
  bool strict = false;
  bool no_quality = false;
};

// Hashes each file; one that cannot be read is a fault.
SourceListing with_hashes(SourceListing listing, FaultPolicy policy) {
  SourceListing hashed;
  hashed.skipped = std::move(listing.skipped);
  hashed.notes = std::move(listing.notes);
  ProgressBar bar("ingest", listing.samples.size(), "images");
  for (SourceSample& sample : listing.samples) {
    try {
      sample.sha256 = sha256_file(sample.path);
      hashed.samples.push_back(std::move(sample));
    } catch (const IoError& error) {
      report_fault(policy, error.what(), hashed.skipped);
    }
    bar.advance();
  }
  return hashed;
}

void print(const SourceListing& listing, const ListingQuality& quality, const Options& options) {
  if (options.common.json) {
    const nlohmann::ordered_json result = {{"manifest", options.out},
                                           {"samples", listing.samples.size()},
                                           {"skipped", listing.skipped.size()},
                                           {"quality_flags", quality.flags}};
    std::puts(result.dump(2).c_str());
    return;
  }
  std::fputs(to_text(count_samples(listing.samples)).c_str(), stdout);
  for (const auto& [flag, count] : quality.flags) std::puts(fmt::format("{:>7} {}", count, flag).c_str());
  std::puts(fmt::format("{} samples listed in {}, {} entries left out", listing.samples.size(), options.out,
                        listing.skipped.size())
                .c_str());
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Lists the images of a folder with their labels in a manifest (CSV).", "ingest");
  add_source_options(app, options.sources, ManifestSources::kNotOffered);
  app.add_option("--out", options.out, "manifest to write")->type_name("FILE")->required();
  app.add_flag("--strict", options.strict, "stop at the first fault instead of leaving the file out");
  app.add_flag("--no-quality", options.no_quality,
               "list without opening the images: no quality columns, damage unseen");
  add_output_options(app, options.common);
  if (!parse(app, arguments, options.common)) return 0;

  const auto sources = chosen_sources(options.sources);
  if (sources.empty())
    throw UsageError(
        "no source; give --mendeley DIR, --csv FILE, --experts FIRST SECOND, --films DIR --readings FILE or "
        "--synthetic "
        "DIR");
  const FaultPolicy policy = options.strict ? FaultPolicy::kStop : FaultPolicy::kSkip;
  RunRecord record(arguments, "");
  SourceListing listing = with_hashes(list_sources(sources, policy), policy);
  ListingQuality quality;
  if (!options.no_quality) quality = measure_listing(listing, policy);
  for (const std::string& note : listing.notes) log_info(note);
  for (const SkippedInput& skipped : listing.skipped) log_warning(skipped.message);
  if (listing.samples.empty()) throw DataError("no image could be listed; check the folder");
  const std::string text = manifest_csv(listing.samples, quality.cells);
  write_file_atomically(options.out, text);
  record.add_result("manifest_sha256", to_hex(sha256(text)));
  record.add_result("samples", std::to_string(listing.samples.size()));
  record.write_beside(options.out);
  print(listing, quality, options);
  return 0;
}

}  // namespace

Command ingest_command() { return {"ingest", "list a folder of real films in a manifest", run}; }

}  // namespace genu::cli
