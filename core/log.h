// Log lines on stderr. Results belong on stdout; progress and logs never do.
#pragma once

#include <string>

namespace genu {

enum class LogLevel { kInfo, kWarning, kError };

// One line: "genu: ..." (info), "genu: warning: ..." or "genu: error: ...". Thread-safe.
void log(LogLevel level, const std::string& message);

inline void log_info(const std::string& message) { log(LogLevel::kInfo, message); }
inline void log_warning(const std::string& message) { log(LogLevel::kWarning, message); }
inline void log_error(const std::string& message) { log(LogLevel::kError, message); }

// Lines below this level are dropped (`--quiet`).
void set_log_level(LogLevel level);

}  // namespace genu
