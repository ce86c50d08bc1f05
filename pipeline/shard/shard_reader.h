// Reads what a shard holds beside its pixels, and where the pixels are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "pipeline/shard/shard_format.h"
#include "pipeline/shard/spare_copy.h"

namespace genu::pipeline {

struct ShardContents {
  ShardRows rows;
  std::vector<std::uint32_t> record_crc32c;  // as stored
  std::vector<std::uint8_t> malformed;       // 1 where a stored code lies outside its table
  SetFacts facts;
  int height_px = 0;
  int width_px = 0;
  bool is_deflated = false;            // each row is a zlib stream of height * width bytes
  std::vector<ByteRange> stored_rows;  // where each row lies, inside the file
  CopyState copies = CopyState::kIntact;
};

// `file`: the bytes of a whole shard; `path` names it in messages. HDF5 sees only what the checksums vouch for.
// Throws DataError.
ShardContents read_shard(std::span<const std::uint8_t> file, const std::filesystem::path& path);

}  // namespace genu::pipeline
