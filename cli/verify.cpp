// genu verify: checks every checksum of a shard set and names each bad sample.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/errors.h"
#include "core/log.h"
#include "pipeline/shard/verify_shards.h"

namespace genu::cli {

namespace {

void print(const pipeline::VerifyReport& report, bool json) {
  if (json) {
    const nlohmann::ordered_json facts = {{"shards", report.shards},
                                          {"samples", report.samples},
                                          {"damaged_samples", report.damaged_samples},
                                          {"quarantined_samples", report.quarantined_samples},
                                          {"faults", report.faults}};
    // A damaged name may hold any bytes.
    std::puts(facts.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return;
  }
  for (const std::string& fault : report.faults) std::puts(fault.c_str());
  std::string line = fmt::format("{} samples in {} shards: ", report.samples, report.shards);
  if (report.quarantined_samples > 0) line += fmt::format("{} quarantined, ", report.quarantined_samples);
  if (report.damaged_samples > 0) {
    line += fmt::format("{} damaged", report.damaged_samples);
  } else {
    line += report.quarantined_samples > 0 ? "the rest intact" : "all intact";
    if (!report.faults.empty()) line += ", not all in use";
  }
  std::puts(line.c_str());
}

int run(const std::vector<std::string>& arguments) {
  CommonOptions common;
  std::string path;
  bool repair = false;
  CLI::App app("Checks every checksum of a folder of shards and names each damaged sample.", "verify");
  app.add_option("shards", path, "folder of shards, or its shards.json")->type_name("PATH")->required();
  app.add_flag(
      "--repair", repair,
      "restore damaged labels from their second copy and list damaged samples in quarantine.json; loaders leave "
      "those out, pixel bytes stay as they are");
  add_output_options(app, common);
  if (!parse(app, arguments, common)) return 0;

  if (repair) {
    const pipeline::RepairReport repaired = pipeline::repair_shards(path);
    log_info(fmt::format("{} shards restored, {} samples quarantined", repaired.restored_files,
                         repaired.quarantined_samples));
  }
  const pipeline::VerifyReport report = pipeline::verify_shards(path);
  print(report, common.json);
  return static_cast<int>(report.is_sound() ? ExitCode::kOk : ExitCode::kData);
}

}  // namespace

Command verify_command() { return {"verify", "check every checksum of a shard set", run}; }

}  // namespace genu::cli
