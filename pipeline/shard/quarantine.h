// quarantine.json: the rows of a set that `genu verify --repair` found damaged. It lies beside shards.json; readers
// leave out exactly what it names, and the shards keep their bytes.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace genu::pipeline {

inline constexpr const char* kQuarantineName = "quarantine.json";

struct Quarantine {
  struct Sample {
    std::string file;  // name beside shards.json
    std::size_t row = 0;
    std::string sample_id;  // for people; the row counts
    int variant = 0;
    std::string fault;
    bool operator==(const Sample&) const = default;
  };
  struct Shard {  // wholly lost
    std::string file;
    std::size_t count = 0;
    std::string fault;
    bool operator==(const Shard&) const = default;
  };
  std::string index_sha256_hex;  // of the shards.json it belongs to
  std::vector<Sample> samples;
  std::vector<Shard> shards;

  bool holds(const std::string& file, std::size_t row) const;
  bool holds_shard(const std::string& file) const;
  bool operator==(const Quarantine&) const = default;
};

std::string to_json(const Quarantine& quarantine);
// Throws DataError beginning with `origin`.
Quarantine parse_quarantine(const std::string& text, const std::string& origin);

// The quarantine of the set in `folder`; empty if there is none. Throws DataError if it belongs to another set.
Quarantine read_quarantine(const std::filesystem::path& folder, const std::string& index_sha256_hex);

}  // namespace genu::pipeline
