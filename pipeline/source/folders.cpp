#include "pipeline/source/folders.h"

#include <algorithm>
#include <system_error>

#include "core/errors.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

class Walker {
 public:
  Walker(FaultPolicy policy, std::vector<SkippedInput>& skipped) : policy_(policy), skipped_(skipped) {}

  void walk(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error || std::find(above_.begin(), above_.end(), real) != above_.end()) {
      return fault(folder.string() + ": a link that leads back to a folder above it; remove it");
    }
    above_.push_back(real);
    try {
      for (const fs::path& entry : sorted_entries(folder)) visit(entry);
    } catch (const IoError& unreadable) {
      fault(unreadable.what());
    }
    above_.pop_back();
  }

  std::vector<fs::path> take() { return std::move(files_); }

 private:
  void visit(const fs::path& entry) {
    std::error_code error;
    const fs::file_status status = fs::status(entry, error);
    if (error || !fs::exists(status)) {
      fault(entry.string() + ": a link that leads nowhere or in a circle; remove it");
    } else if (fs::is_directory(status)) {
      walk(entry);
    } else {
      files_.push_back(entry);
    }
  }

  void fault(const std::string& message) { report_fault(policy_, message, skipped_); }

  FaultPolicy policy_;
  std::vector<SkippedInput>& skipped_;
  std::vector<fs::path> above_;  // the folders that lead to the one being read
  std::vector<fs::path> files_;
};

}  // namespace

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    entries.push_back(it->path());
  }
  if (error) throw IoError(folder.string() + ": cannot list: " + error.message() + "; check the path");
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<fs::path> files_under(const fs::path& folder, FaultPolicy policy, std::vector<SkippedInput>& skipped) {
  if (!is_folder(folder)) throw IoError(folder.string() + ": no such folder; check the path");
  Walker walker(policy, skipped);
  walker.walk(folder);
  return walker.take();
}

}  // namespace genu::pipeline
