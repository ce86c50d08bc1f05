// The error family. Each kind is one exit code; the message is one line: which file, what is wrong, what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace genu {

enum class ExitCode : int { kOk = 0, kUsage = 2, kData = 3, kIo = 4, kInternal = 5 };

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode exit_code() const { return code_; }

 private:
  ExitCode code_;
};

// Wrong command line.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

// Wrong configuration: unknown key, wrong type, value out of range.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

// Input that is not what it should be: damaged image, wrong shape, leak between splits.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::kData, message) {}
};

// The operating system refused: missing file, no permission, disk full.
class IoError : public Error {
 public:
  explicit IoError(const std::string& message) : Error(ExitCode::kIo, message) {}
};

// A fault of ours.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& message) : Error(ExitCode::kInternal, message) {}
};

}  // namespace genu
