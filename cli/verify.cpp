// genu verify: checks every checksum of a shard set and names each bad sample.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "pipeline/shard/verify_shards.h"

namespace genu::cli {

namespace {

int run(const std::vector<std::string>& arguments) {
  CommonOptions common;
  std::string path;
  CLI::App app("Checks every checksum of a folder of shards and names each damaged sample.", "verify");
  app.add_option("shards", path, "folder of shards, or its shards.json")->type_name("PATH")->required();
  add_output_options(app, common);
  if (!parse(app, arguments, common)) return 0;

  const pipeline::VerifyReport report = pipeline::verify_shards(path);
  if (common.json) {
    const nlohmann::ordered_json json = {{"shards", report.shards},
                                         {"samples", report.samples},
                                         {"damaged_samples", report.damaged_samples},
                                         {"faults", report.faults}};
    std::puts(json.dump(2).c_str());
  } else {
    for (const std::string& fault : report.faults) std::puts(fault.c_str());
    std::puts(fmt::format("{} samples in {} shards: {}", report.samples, report.shards,
                          report.is_sound() ? "all intact" : fmt::format("{} damaged", report.damaged_samples))
                  .c_str());
  }
  return static_cast<int>(report.is_sound() ? ExitCode::kOk : ExitCode::kData);
}

}  // namespace

Command verify_command() { return {"verify", "check every checksum of a shard set", run}; }

}  // namespace genu::cli
