#include "train/loop/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "core/errors.h"
#include "core/files.h"

namespace genu::train {

namespace fs = std::filesystem;

namespace {

constexpr const char* kCheckpoints = "checkpoints";
constexpr const char* kModelFile = "model.safetensors";

// Turns a refusal of the file system into one line.
template <class F>
void file_work(const fs::path& path, const F& work) {
  try {
    work();
  } catch (const fs::filesystem_error& error) {
    throw IoError(fmt::format("{}: {}; choose a folder that can be written to", path.string(), error.code().message()));
  }
}

}  // namespace

RunFolder::RunFolder(fs::path path, Access access) : path_(std::move(path)) {
  for (const char* link : {"last", "best"}) require_whole(link);
  if (access == Access::kRead) return;
  make_folders(path_ / kCheckpoints);
  if (::access((path_ / kCheckpoints).c_str(), W_OK) != 0) {
    throw IoError(path_.string() + ": not writable; choose another folder");
  }
  file_work(path_, [this] { remove_unlinked(); });
}

void RunFolder::require_whole(const char* link) const {
  const fs::path found = path_ / link;
  std::error_code ignored;
  if (!fs::is_symlink(fs::symlink_status(found, ignored)) || fs::exists(found / kModelFile, ignored)) return;
  throw DataError(fmt::format("{}: leads to a checkpoint without {}; restore it, or choose another folder",
                              found.string(), kModelFile));
}

std::optional<fs::path> RunFolder::target(const char* link) const {
  std::error_code ignored;
  const fs::path found = path_ / link;
  if (!fs::exists(found / kModelFile, ignored)) return std::nullopt;
  return fs::canonical(found);
}

void RunFolder::point(const char* link, const fs::path& relative_target) const {
  const fs::path fresh = path_ / fmt::format(".{}.new", link);
  fs::remove(fresh);
  fs::create_symlink(relative_target, fresh);
  fs::rename(fresh, path_ / link);
}

void RunFolder::remove_unlinked() const {
  const auto kept_last = last();
  const auto kept_best = best();
  for (const auto& entry : fs::directory_iterator(path_ / kCheckpoints)) {
    const fs::path found = fs::canonical(entry.path());
    if (found != kept_last && found != kept_best) fs::remove_all(entry.path());
  }
}

void RunFolder::save(std::uint64_t step, Rank rank, const std::function<void(const fs::path&)>& write) {
  const std::string name = fmt::format("step_{:010}", step);
  const fs::path folder = path_ / kCheckpoints / name;
  const fs::path temporary = path_ / kCheckpoints / ("." + name + ".tmp");
  if (fs::exists(folder)) throw InternalError(folder.string() + ": a step is saved twice");
  file_work(path_, [&] {
    fs::remove_all(temporary);
    make_folders(temporary);
    write(temporary);
    fs::rename(temporary, folder);
    const fs::path relative = fs::path(kCheckpoints) / name;
    point("last", relative);
    if (rank == Rank::kLastAndBest) point("best", relative);
    remove_unlinked();
  });
}

void RunFolder::make_last_the_best() {
  const auto checkpoint = last();
  if (!checkpoint || best() == checkpoint) return;
  file_work(path_, [&] {
    point("best", fs::path(kCheckpoints) / checkpoint->filename());
    remove_unlinked();
  });
}

fs::path find_checkpoint(const fs::path& path) {
  std::error_code ignored;
  if (fs::exists(path / kModelFile, ignored)) return path;
  if (fs::exists(path / "best" / kModelFile, ignored)) return path / "best";
  if (fs::is_regular_file(path, ignored)) {
    if (path.filename() == kModelFile && fs::exists(path.parent_path() / "grader.yaml", ignored)) {
      return path.parent_path().empty() ? fs::path(".") : path.parent_path();
    }
    throw DataError(path.string() +
                    ": weights alone do not say how a film becomes the network's input; name a checkpoint's folder, or "
                    "its model.safetensors with grader.yaml beside it");
  }
  throw DataError(path.string() +
                  ": no checkpoint here (no model.safetensors); name a run's folder or its best or last");
}

}  // namespace genu::train
