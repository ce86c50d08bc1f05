// A run's folder: numbered checkpoints and two links.
//
//   RUN/checkpoints/step_0000000360/   model.safetensors, grader.yaml, state.safetensors, train.yaml, metrics.csv
//   RUN/last -> checkpoints/step_0000000360
//   RUN/best -> checkpoints/step_0000000180
//
// A checkpoint is written under a temporary name, renamed whole, then the links swing over (rename of a link is
// atomic, last before best), then what no link points to is removed: a kill at any point leaves `last` and `best`
// whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

namespace genu::train {

class RunFolder {
 public:
  enum class Access : std::uint8_t {
    kWrite,  // makes the folder if need be and removes what a killed run left half-done
    kRead,   // of a rank that does not write; requires that rank 0 has the folder already
  };
  // Throws IoError if it cannot be written, DataError where a link leads to no whole checkpoint, which no kill leaves.
  explicit RunFolder(std::filesystem::path path, Access access = Access::kWrite);

  const std::filesystem::path& path() const { return path_; }
  // The checkpoint that the link leads to, if there is one.
  std::optional<std::filesystem::path> last() const { return target("last"); }
  std::optional<std::filesystem::path> best() const { return target("best"); }

  enum class Rank : std::uint8_t { kLast, kLastAndBest };
  // Calls `write` with a fresh folder to fill, then makes it the last (and best) checkpoint. Throws IoError.
  // Requires write access and that no linked checkpoint has this step.
  void save(std::uint64_t step, Rank rank, const std::function<void(const std::filesystem::path&)>& write);

  // What a kill between the swings of the two links left undone. Nothing where there is no last checkpoint. Requires
  // write access.
  void make_last_the_best();

 private:
  void require_whole(const char* link) const;
  std::optional<std::filesystem::path> target(const char* link) const;
  void point(const char* link, const std::filesystem::path& relative_target) const;
  void remove_unlinked() const;

  std::filesystem::path path_;
};

// The checkpoint folder that `path` names: itself, the best of a run's folder, or the folder of a model.safetensors.
// Throws DataError if it is none of them.
std::filesystem::path find_checkpoint(const std::filesystem::path& path);

}  // namespace genu::train
