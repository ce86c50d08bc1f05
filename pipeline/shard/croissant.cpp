#include "pipeline/shard/croissant.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

namespace {

using Json = nlohmann::ordered_json;

Json file_object(const std::string& name, const std::string& description, const std::string& encoding,
                 const std::string& sha256_hex) {
  return {{"@type", "cr:FileObject"},   {"@id", name},        {"name", name},
          {"description", description}, {"contentUrl", name}, {"encodingFormat", encoding},
          {"sha256", sha256_hex}};
}

}  // namespace

std::string croissant_json(const ShardIndex& index, const std::string& index_sha256_hex) {
  Json distribution = Json::array();
  distribution.push_back(file_object(kShardIndexName, "names every shard with its count and SHA-256",
                                     "application/json", index_sha256_hex));
  for (const ShardIndex::Entry& shard : index.shards) {
    distribution.push_back(file_object(shard.file, fmt::format("{} rows: pixels, labels, checksums", shard.count),
                                       "application/x-hdf5", shard.sha256_hex));
  }
  const Json document = {
      {"@context",
       {{"@language", "en"},
        {"@vocab", "https://schema.org/"},
        {"conformsTo", "dct:conformsTo"},
        {"cr", "http://mlcommons.org/croissant/"},
        {"dct", "http://purl.org/dc/terms/"},
        {"sc", "https://schema.org/"}}},
      {"@type", "sc:Dataset"},
      {"conformsTo", "http://mlcommons.org/croissant/1.0"},
      {"name", "genu-shards"},
      {"description",
       fmt::format(
           "Knee radiographs of {} x {} px in {} HDF5 shards, {} rows, with Kellgren-Lawrence grades and the proof "
           "of their split (genu shards, format {}; config {}). Not for diagnosis.",
           index.width_px, index.height_px, index.shards.size(), index.size(), kShardFormatVersion,
           index.config_sha256_hex)},
      {"license", "as of the sources; see the split proof for what they are"},
      {"url", "https://example.org/genu"},
      {"version", fmt::format("{}.0.0", kShardFormatVersion)},
      {"distribution", distribution}};
  return document.dump(1) + "\n";
}

}  // namespace genu::pipeline
