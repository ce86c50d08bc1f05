// shards.json: names every shard of a set with its count and hash. It is written last: a folder without it holds no
// set.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace genu::pipeline {

inline constexpr const char* kShardIndexName = "shards.json";

struct ShardIndex {
  struct Entry {
    std::string file;  // name beside shards.json
    std::size_t count = 0;
    std::string sha256_hex;
  };
  int height_px = 0;
  int width_px = 0;
  std::string config_sha256_hex;
  std::vector<Entry> shards;

  std::size_t size() const;
};

std::string to_json(const ShardIndex& index);
// Throws DataError beginning with `origin`.
ShardIndex parse_shard_index(const std::string& text, const std::string& origin);

// "shard-00042.h5".
std::string shard_file_name(std::size_t number);

// `path` is shards.json or its folder. Throws IoError if there is none.
std::filesystem::path find_shard_index(const std::filesystem::path& path);

}  // namespace genu::pipeline
