#include "cli/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <new>

#include "core/errors.h"
#include "core/log.h"

namespace genu::cli {

void add_config_options(CLI::App& app, CommonOptions& options) {
  app.add_option("--config", options.config, "YAML file; keys left out keep their defaults")->type_name("FILE");
  app.add_option("--set", options.overrides, "override one key, dots between nested keys; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--print-config", options.print_config, "print the resolved config and stop");
  app.add_flag("--help-config", options.help_config, "print every config key with its range and meaning, and stop");
}

void add_output_options(CLI::App& app, CommonOptions& options) {
  app.add_flag("--json", options.json, "print results as JSON");
  app.add_flag("--quiet", options.quiet, "print warnings and errors only");
}

bool parse(CLI::App& app, const std::vector<std::string>& arguments, const CommonOptions& options) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  if (!reversed.empty()) reversed.pop_back();  // the command's own name
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{} (see `genu {} --help`)", error.what(), app.get_name()));
  }
  if (options.quiet) set_log_level(LogLevel::kWarning);
  return true;
}

int run_guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const Error& error) {
    log_error(error.what());
    return static_cast<int>(error.exit_code());
  } catch (const std::bad_alloc&) {
    log_error("out of memory; use a smaller batch, image size or thread count");
    return static_cast<int>(ExitCode::kIo);
  } catch (const std::filesystem::filesystem_error& error) {
    log_error(error.what());
    return static_cast<int>(ExitCode::kIo);
  } catch (const std::exception& error) {
    log_error(std::string("internal: ") + error.what());
    return static_cast<int>(ExitCode::kInternal);
  }
}

}  // namespace genu::cli
