#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/run_record.h"
#include "generator/dataset/generate.h"
#include "generator/dataset/sweep.h"

namespace genu::cli {

namespace {

struct GenerateArguments {
  CommonOptions common;
  std::string out;
  std::string preview;
  std::string part;
  std::vector<std::string> merge;
  std::vector<std::string> sweep;
  std::string knee = "0:0";
  int threads = 0;
  bool force = false;
  bool resume = false;
  bool pairs = false;
};

void print_result(const generator::GenerateResult& result, const std::string& out, const CommonOptions& common) {
  const double rate = result.seconds > 0 ? static_cast<double>(result.made) / result.seconds : 0;
  if (common.json) {
    const nlohmann::json summary = {{"out", out},
                                    {"images", result.images},
                                    {"made", result.made},
                                    {"whole", result.whole},
                                    {"manifest_sha256", result.manifest_sha256},
                                    {"seconds", result.seconds},
                                    {"images_per_second", rate}};
    fmt::print("{}\n", summary.dump());
    return;
  }
  const std::string state =
      result.whole ? fmt::format("whole, manifest sha256 {}", result.manifest_sha256) : "other parts are still to come";
  fmt::print("{}: {} of {} images made in {:.2f} s ({:.0f} images/s); {}\n", out, result.made, result.images,
             result.seconds, rate, state);
}

// Each part has a record of its own.
std::string record_mark(std::string part) {
  if (const std::size_t slash = part.find('/'); slash != std::string::npos) part.replace(slash, 1, "_of_");
  return part.empty() ? "" : ".part_" + part;
}

void add_options(CLI::App& app, GenerateArguments& given) {
  add_config_options(app, given.common);
  add_output_options(app, given.common);
  app.add_option("--out", given.out, "folder to write; must not hold anything yet")->type_name("DIR");
  app.add_option("--preview", given.preview, "draw one contact sheet, and nothing else")->type_name("FILE.png");
  app.add_option("--threads", given.threads, "threads; 0 for all (the bytes do not depend on it)")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--resume", given.resume, "finish what a killed run of the same config began in DIR");
  app.add_option("--part", given.part,
                 "make only every n-th piece, from the i-th; the last part to end in one folder finishes it")
      ->type_name("i/n");
  app.add_option("--merge", given.merge, "bring the folder of one part into DIR and finish it; repeat for each part")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_flag("--force", given.force, "replace the dataset that DIR holds");
  app.add_flag("--pairs", given.pairs, "counterfactual pairs: the same knee at KL k and k + 1 (as pairs: true)");
  app.add_option("--sweep", given.sweep, "draw one knee while a dial turns, into --out FILE.png; twice for a grid")
      ->type_name("DIAL=LOW:HIGH:COUNT")
      ->allow_extra_args(false);
  app.add_option("--knee", given.knee, "the knee to sweep: KL grade and number")->type_name("GRADE:INDEX");
}

void check_together(const GenerateArguments& given) {
  if (given.out.empty()) throw UsageError("generate: --out DIR is missing (see `genu generate --help`)");
  if (given.force && given.resume)
    throw UsageError("generate: --force starts again, --resume goes on; give one of them");
  if (!given.merge.empty() &&
      (!given.part.empty() || !given.common.config.empty() || !given.common.overrides.empty())) {
    throw UsageError("generate: --merge takes the config from the parts; leave --part, --config and --set out");
  }
}

generator::GenerateResult generate(const generator::GenerateConfig& config, const GenerateArguments& given) {
  generator::GenerateOptions options;
  options.out = given.out;
  options.threads = given.threads;
  options.existing = given.force    ? generator::ExistingOutput::kReplace
                     : given.resume ? generator::ExistingOutput::kResume
                                    : generator::ExistingOutput::kRefuse;
  if (!given.part.empty()) options.part = generator::parse_part(given.part);
  if (given.merge.empty()) return generator::generate_dataset(config, options);
  return generator::merge_parts({given.merge.begin(), given.merge.end()}, options);
}

void draw_sweep(const generator::GenerateConfig& config, const GenerateArguments& given) {
  std::vector<generator::SweepAxis> axes;
  for (const std::string& text : given.sweep) axes.push_back(generator::parse_sweep(text));
  const generator::PlannedSample knee = generator::parse_knee(given.knee);
  if (given.out.empty()) throw UsageError("generate: --sweep draws into --out FILE.png, which is missing");
  generator::write_sweep(config, axes, knee, given.out);
}

int run(const std::vector<std::string>& arguments) {
  CLI::App app("Draws a graded synthetic dataset", "generate");
  GenerateArguments given;
  add_options(app, given);
  if (!parse(app, arguments, given.common)) return 0;

  auto config = load_config<generator::GenerateConfig>(given.common.config, given.common.overrides);
  if (given.pairs) config.pairs = true;
  if (given.common.help_config) {
    fmt::print("{}", help_text(list_fields(config)));
    return 0;
  }
  if (given.common.print_config) {
    fmt::print("{}", to_yaml(config));
    return 0;
  }
  if (!given.sweep.empty()) {
    draw_sweep(config, given);
    return 0;
  }
  if (!given.preview.empty()) {
    generator::write_preview(config, given.preview);
    if (given.out.empty()) return 0;
  }
  check_together(given);
  RunRecord record(arguments, given.merge.empty() ? to_yaml(config) : std::string());  // else the parts' own
  const generator::GenerateResult result = generate(config, given);
  record.add_result("images", fmt::format("{}", result.images));
  record.add_result("made", fmt::format("{}", result.made));
  record.add_result("manifest_sha256", result.manifest_sha256);
  record.write_beside(given.out, record_mark(given.part));
  print_result(result, given.out, given.common);
  return 0;
}

}  // namespace

Command generate_command() { return {"generate", "draw a graded synthetic dataset", run}; }

}  // namespace genu::cli
