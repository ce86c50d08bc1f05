#include "pipeline/shard/shard_index.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

std::size_t ShardIndex::size() const {
  std::size_t total = 0;
  for (const Entry& entry : shards) total += entry.count;
  return total;
}

std::string to_json(const ShardIndex& index) {
  nlohmann::ordered_json shards = nlohmann::ordered_json::array();
  for (const auto& entry : index.shards) {
    shards.push_back({{"file", entry.file}, {"count", entry.count}, {"sha256", entry.sha256_hex}});
  }
  const nlohmann::ordered_json root = {{"format", "genu shards"},
                                       {"format_version", kShardFormatVersion},
                                       {"height_px", index.height_px},
                                       {"width_px", index.width_px},
                                       {"count", index.size()},
                                       {"config_sha256", index.config_sha256_hex},
                                       {"shards", shards}};
  return root.dump(2) + "\n";
}

ShardIndex parse_shard_index(const std::string& text, const std::string& origin) {
  try {
    const auto root = nlohmann::json::parse(text);
    if (root.at("format") != "genu shards") throw DataError(origin + ": not an index of shards; check the path");
    const int version = root.at("format_version").get<int>();
    if (version != kShardFormatVersion) {
      throw DataError(fmt::format("{}: format version {}, this program reads {}; make the shards again", origin,
                                  version, kShardFormatVersion));
    }
    ShardIndex index;
    index.height_px = root.at("height_px").get<int>();
    index.width_px = root.at("width_px").get<int>();
    index.config_sha256_hex = root.at("config_sha256").get<std::string>();
    for (const auto& shard : root.at("shards")) {
      ShardIndex::Entry entry{shard.at("file").get<std::string>(), shard.at("count").get<std::size_t>(),
                              shard.at("sha256").get<std::string>()};
      if (entry.file.empty() || fs::path(entry.file).filename() != entry.file) {
        throw DataError(origin + ": '" + entry.file + "' is not a plain file name; make the shards again");
      }
      index.shards.push_back(std::move(entry));
    }
    if (!(index.height_px >= 1 && index.width_px >= 1) || root.at("count").get<std::size_t>() != index.size()) {
      throw DataError(origin + ": counts or sizes contradict each other; make the shards again");
    }
    return index;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(origin + ": not a whole index of shards (" + error.what() + "); make the shards again");
  }
}

std::string shard_file_name(std::size_t number) { return fmt::format("shard-{:05}.h5", number); }

fs::path find_shard_index(const fs::path& path) {
  const fs::path index = fs::is_directory(path) ? path / kShardIndexName : path;
  if (!fs::exists(index)) {
    throw IoError(index.string() + ": no such file; give a folder that `genu shard` has made, or its shards.json");
  }
  return index;
}

}  // namespace genu::pipeline
