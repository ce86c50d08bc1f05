// Makes the samples of a plan with many threads, chunk by chunk, so that a kill at any moment loses little and leaves
// nothing half-written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "generator/dataset/progress_folder.h"

namespace genu::generator {

struct OutputFile {
  std::string path;  // relative to the dataset folder
  std::vector<std::uint8_t> bytes;
};

struct SampleOutput {
  std::vector<OutputFile> files;
  std::vector<std::string> texts;  // see SampleRecord
};

// Must be a pure function of `position`; `worker` in [0, threads) names a workspace that no other call uses meanwhile.
using MakeSample = std::function<SampleOutput(std::size_t position, std::size_t worker)>;

// Writes the chunks of `part` that the journal does not hold yet, or whose files are missing or damaged, and returns
// how many samples that were. Threads take samples in order; one more thread makes each finished chunk durable (its
// files are written under .tmp, flushed together, then renamed, then recorded) while the next is made. At most
// four chunks are under way, so memory does not grow with the plan. `done` is called once a sample, from any thread.
// Throws what `make` throws, and IoError; the journal then holds what was finished.
std::size_t run_chunks(const ProgressFolder& progress, const WorkIdentity& identity, const Part& part, int threads,
                       const MakeSample& make, const std::function<void()>& done);

// Whether the journal holds every chunk.
bool all_chunks_recorded(const ProgressFolder& progress, const WorkIdentity& identity);

}  // namespace genu::generator
