#include "core/run_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/build_info.h"
#include "core/config.h"
#include "core/files.h"

namespace genu {

std::string_view version() { return GENU_VERSION; }

std::string_view git_revision() { return GENU_GIT_REVISION; }

RunRecord::RunRecord(std::vector<std::string> arguments, std::string resolved_config_yaml)
    : arguments_(std::move(arguments)),
      resolved_config_yaml_(std::move(resolved_config_yaml)),
      started_(std::chrono::system_clock::now()),
      steady_start_(std::chrono::steady_clock::now()) {}

void RunRecord::write(const std::filesystem::path& path) const {
  const auto wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - steady_start_).count();
  const nlohmann::ordered_json record = {
      {"argv", arguments_},
      {"version", version()},
      {"git_revision", git_revision()},
      {"started_utc",
       fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(started_)))},
      {"wall_seconds", wall},
      {"config", resolved_config_yaml_},
      {"config_sha256", hash_yaml_text(resolved_config_yaml_)},
      {"inputs_sha256", inputs_},
      {"libraries", libraries_},
      {"results", results_},
  };
  // Names of files need not be UTF-8.
  const auto text = record.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  write_file_atomically(path, text + "\n");
}

void RunRecord::write_beside(const std::filesystem::path& output, const std::string& mark) const {
  std::filesystem::path path = output.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  path += mark + ".run.json";
  write(path);
}

}  // namespace genu
