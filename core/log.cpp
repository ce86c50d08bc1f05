#include "core/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace genu {

namespace {

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("genu", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    return made;
  }();
  return *instance;
}

}  // namespace

void log(LogLevel level, const std::string& message) {
  switch (level) {
    case LogLevel::kInfo:
      logger().info("genu: {}", message);
      break;
    case LogLevel::kWarning:
      logger().warn("genu: warning: {}", message);
      break;
    case LogLevel::kError:
      logger().error("genu: error: {}", message);
      break;
  }
}

void set_log_level(LogLevel level) {
  logger().set_level(level == LogLevel::kInfo      ? spdlog::level::info
                     : level == LogLevel::kWarning ? spdlog::level::warn
                                                   : spdlog::level::err);
}

}  // namespace genu
