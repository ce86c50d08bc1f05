// croissant.json of a shard set: what it is and which files it has, for dataset catalogues.
#pragma once

#include <string>

#include "pipeline/shard/shard_index.h"

namespace genu::pipeline {

inline constexpr const char* kCroissantName = "croissant.json";

// Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html): shards.json and every shard with its
// SHA-256. No record sets: Croissant 1.0 has no extraction from HDF5.
std::string croissant_json(const ShardIndex& index, const std::string& index_sha256_hex);

}  // namespace genu::pipeline
