// genu split: parts a manifest by subject, alike in grades, and writes manifests.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/run_record.h"
#include "pipeline/source/manifest.h"
#include "pipeline/split/make_split.h"
#include "pipeline/split/split_rules.h"

namespace genu::cli {

namespace {

namespace fs = std::filesystem;
using namespace genu::pipeline;

struct Options {
  CommonOptions common;
  std::string manifest;
  std::string out;
  std::vector<double> fractions = {0.70, 0.15, 0.15};
  int folds = 0;
  std::uint64_t seed = 0;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("manifest", options.manifest, "manifest of `genu ingest`")->type_name("FILE")->required();
  app.add_option("--out", options.out, "manifest to write, or with --folds the folder for one a fold")
      ->type_name("PATH")
      ->required();
  app.add_option("--fractions", options.fractions, "shares of train, val and test; default 0.70 0.15 0.15")
      ->type_name("SHARE")
      ->expected(3);
  app.add_option("--folds", options.folds, "K folds: fold-00.csv has the first fold as val and the others as train")
      ->type_name("K")
      ->check(CLI::Range(2, 100));
  app.add_option("--seed", options.seed, "another seed, another split")->type_name("N")->capture_default_str();
  add_output_options(app, options.common);
}

// The manifest's own rows and columns with other splits, and with absolute paths, for it may lie elsewhere.
std::string with_splits(const CsvTable& table, const std::vector<SourceSample>& samples) {
  const std::size_t path = table.column("path");
  const auto split = table.find_column("split");
  std::vector<std::string> header = table.columns();
  if (!split) header.emplace_back("split");
  std::string text = csv_line(header);
  for (std::size_t row = 0; row < table.size(); ++row) {
    std::vector<std::string> cells;
    for (std::size_t c = 0; c < table.columns().size(); ++c) cells.push_back(table.cell(row, c));
    if (!split) cells.emplace_back();
    cells[path] = fs::absolute(samples[row].path).lexically_normal().string();
    cells[split.value_or(cells.size() - 1)] = to_string(samples[row].split);
    text += csv_line(cells);
  }
  return text;
}

struct Written {
  fs::path path;
  SplitTable table;
};

std::vector<SourceSample> listed(const std::string& manifest) {
  SourceListing listing = read_manifest(manifest, FaultPolicy::kStop);
  for (const std::string& note : listing.notes) log_info(note);
  return std::move(listing.samples);
}

class Splitter {
 public:
  Splitter(const Options& options, RunRecord& record)
      : options_(options),
        record_(record),
        table_(CsvTable::read(options.manifest)),
        samples_(listed(options.manifest)) {
    if (samples_.empty()) throw DataError(options.manifest + ": no samples; list a source first");
  }

  std::vector<Written> parts() {
    static constexpr std::array<Split, 3> kParts = {Split::kTrain, Split::kVal, Split::kTest};
    const auto part_of = stratified_parts(samples_, {options_.fractions, options_.seed});
    return {write(options_.out, [&](std::size_t i) { return kParts.at(part_of[i]); })};
  }

  std::vector<Written> folds() {
    const auto count = static_cast<std::size_t>(options_.folds);
    const std::vector<double> equal(count, 1.0 / static_cast<double>(count));
    const auto fold_of = stratified_parts(samples_, {equal, options_.seed});
    make_folders(options_.out);
    std::vector<Written> written;
    for (std::size_t fold = 0; fold < count; ++fold) {
      written.push_back(write(fs::path(options_.out) / fmt::format("fold-{:02}.csv", fold),
                              [&](std::size_t i) { return fold_of[i] == fold ? Split::kVal : Split::kTrain; }));
    }
    return written;
  }

 private:
  Written write(const fs::path& path, const std::function<Split(std::size_t)>& split_of) {
    std::vector<SourceSample> samples = samples_;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      // Synthetic knees never validate or test real ones.
      samples[i].split = samples[i].source == Source::kSynthetic ? samples_[i].split : split_of(i);
    }
    check_splits(samples);
    const std::string text = with_splits(table_, samples);
    write_file_atomically(path, text);
    record_.add_result(path.filename().string() + "_sha256", to_hex(sha256(text)));
    return {path, count_samples(samples)};
  }

  const Options& options_;
  RunRecord& record_;
  CsvTable table_;
  std::vector<SourceSample> samples_;
};

nlohmann::ordered_json to_json(const SplitTable& table) {
  nlohmann::ordered_json json;
  for (const auto& [split, sources] : table) {
    for (const auto& [source, counts] : sources) {
      json[std::string(to_string(split))][std::string(to_string(source))] = counts;
    }
  }
  return json;
}

void print(const std::vector<Written>& written, const Options& options) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Written& one : written) {
    if (options.common.json) {
      json.push_back({{"manifest", one.path.string()}, {"counts", to_json(one.table)}});
    } else {
      std::puts(fmt::format("{}:\n{}", one.path.string(), to_text(one.table)).c_str());
    }
  }
  if (options.common.json) std::puts(json.dump(2).c_str());
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Parts a manifest by subject, alike in grades: 70/15/15 by default, or K folds.", "split");
  add_options(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  RunRecord record(arguments, "");
  record.add_input(options.manifest, to_hex(sha256_file(options.manifest)));
  Splitter splitter(options, record);
  const std::vector<Written> written = options.folds > 0 ? splitter.folds() : splitter.parts();
  record.write_beside(options.out);
  print(written, options);
  return 0;
}

}  // namespace

Command split_command() { return {"split", "part a manifest by subject, alike in grades", run}; }

}  // namespace genu::cli
