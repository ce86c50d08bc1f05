#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/log.h"
#include "core/run_record.h"
#include "generator/dataset/generate.h"

namespace genu::cli {

namespace {

struct GenerateArguments {
  CommonOptions common;
  std::string out;
  std::string preview;
  int threads = 0;
  bool force = false;
};

void print_result(const generator::GenerateResult& result, const std::string& out, const CommonOptions& common) {
  const double rate = result.seconds > 0 ? static_cast<double>(result.images) / result.seconds : 0;
  if (common.json) {
    const nlohmann::json summary = {{"out", out},
                                    {"images", result.images},
                                    {"manifest_sha256", result.manifest_sha256},
                                    {"seconds", result.seconds},
                                    {"images_per_second", rate}};
    fmt::print("{}\n", summary.dump());
    return;
  }
  fmt::print("{}: {} images in {:.2f} s ({:.0f} images/s), manifest sha256 {}\n", out, result.images, result.seconds,
             rate, result.manifest_sha256);
}

// run.json lies beside the folder, so that the folder itself is a function of its config alone.
std::filesystem::path record_path(const std::string& out) {
  std::filesystem::path path = std::filesystem::path(out).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  path += ".run.json";
  return path;
}

int run(const std::vector<std::string>& arguments) {
  CLI::App app("Draws a graded synthetic dataset", "generate");
  GenerateArguments given;
  add_config_options(app, given.common);
  add_output_options(app, given.common);
  app.add_option("--out", given.out, "folder to write; must not hold anything yet")->type_name("DIR");
  app.add_option("--preview", given.preview, "draw one contact sheet, and nothing else")->type_name("FILE.png");
  app.add_option("--threads", given.threads, "threads; 0 for all (the bytes do not depend on it)")
      ->check(CLI::Range(0, 1024));
  app.add_flag("--force", given.force, "replace the dataset that DIR holds");
  if (!parse(app, arguments, given.common)) return 0;

  auto config = load_config<generator::GenerateConfig>(given.common.config, given.common.overrides);
  if (given.common.help_config) {
    fmt::print("{}", help_text(list_fields(config)));
    return 0;
  }
  if (given.common.print_config) {
    fmt::print("{}", to_yaml(config));
    return 0;
  }
  if (!given.preview.empty()) {
    generator::write_preview(config, given.preview);
    if (given.out.empty()) return 0;
  }
  if (given.out.empty()) throw UsageError("generate: --out DIR is missing (see `genu generate --help`)");

  RunRecord record(arguments, to_yaml(config));
  generator::GenerateOptions options;
  options.out = given.out;
  options.threads = given.threads;
  options.existing = given.force ? generator::ExistingOutput::kReplace : generator::ExistingOutput::kRefuse;
  const generator::GenerateResult result = generator::generate_dataset(config, options);
  record.add_result("images", fmt::format("{}", result.images));
  record.add_result("manifest_sha256", result.manifest_sha256);
  record.write(record_path(given.out));
  print_result(result, given.out, given.common);
  return 0;
}

}  // namespace

Command generate_command() { return {"generate", "", run}; }

}  // namespace genu::cli
