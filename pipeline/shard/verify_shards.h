// Checks every byte of a shard set, says what is lost, and puts it out of a reader's way.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/shard/quarantine.h"

namespace genu::pipeline {

struct VerifyReport {
  std::size_t shards = 0;
  std::size_t samples = 0;              // as the index counts them
  std::size_t damaged_samples = 0;      // not in the quarantine; all samples of a shard that cannot be read count
  std::size_t quarantined_samples = 0;  // named in quarantine.json
  // One line each, in stored order: "FILE: sample ID (row N): fault". What the quarantine names is not repeated;
  // that it names intact samples is a fault too, the last one.
  std::vector<std::string> faults;
  Quarantine found;                           // everything damaged, in the quarantine or not
  std::vector<std::string> restorable_files;  // one of two copies of labels and structure is damaged
  bool is_sound() const { return faults.empty(); }
};

// Goes on after a fault. Throws IoError or DataError only if the index itself cannot be read.
VerifyReport verify_shards(const std::filesystem::path& path);

struct RepairReport {
  std::size_t restored_files = 0;       // both copies of labels and structure are good again
  std::size_t quarantined_samples = 0;  // in quarantine.json now
};

// Restores labels and structure from the copy that is left, and names every damaged row in quarantine.json. Pixel bytes
// are never changed. Throws as verify_shards(), or IoError if the folder cannot be written.
RepairReport repair_shards(const std::filesystem::path& path);

}  // namespace genu::pipeline
