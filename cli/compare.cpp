// genu compare: are two graders different, or is it chance?
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/run_record.h"
#include "train/metrics/comparison.h"

namespace genu::cli {

namespace {

struct Options {
  CommonOptions common;
  std::vector<std::string> contenders;
  std::string out;
  int bootstrap = 2000;
  std::uint64_t seed = 0;
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  app.add_option(
         "PREDICTIONS", options.contenders,
         "two or more of: predictions.csv, a report folder of genu evaluate, a folder of genu crossval, a folder "
         "of report folders (repeated runs)")
      ->required()
      ->expected(2, 1000);
  app.add_option("--out", options.out, "write the comparison as JSON")->type_name("FILE");
  app.add_option("--bootstrap", options.bootstrap, "replicates of the paired intervals")
      ->check(CLI::Range(100, 1000000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the bootstrap")->capture_default_str();
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app(
      "Compares graders of the same images: paired bootstrap by subject, McNemar, analysis of variance over repeated "
      "runs or folds.",
      "compare");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  RunRecord record(arguments, "");
  std::vector<train::Contender> contenders;
  for (const std::string& path : options.contenders) contenders.push_back(train::load_contender(path));
  const train::Comparison comparison =
      train::compare(contenders, {.replicates = options.bootstrap, .confidence = 0.95, .seed = options.seed});
  const std::string json = train::comparison_json(comparison);
  if (!options.out.empty()) {
    write_file_atomically(options.out, json);
    for (const train::Contender& contender : contenders) {
      for (const auto& file : contender.files) record.add_input(file.string(), to_hex(sha256_file(file)));
    }
    record.add_result("comparison_sha256", to_hex(sha256(json)));
    record.write_beside(options.out);
  }
  std::fputs((options.common.json ? json : train::comparison_text(comparison)).c_str(), stdout);
  return 0;
}

}  // namespace

Command compare_command() { return {"compare", "are two graders different, or is it chance?", run}; }

}  // namespace genu::cli
