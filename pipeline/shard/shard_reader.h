// Reads what a shard holds beside its pixels, and where the pixels are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

struct ShardContents {
  ShardRows rows;
  std::vector<std::uint32_t> record_crc32c;  // as stored
  std::vector<std::uint8_t> malformed;       // 1 where a stored code lies outside its table
  SetFacts facts;
  int height_px = 0;
  int width_px = 0;
  std::uint64_t pixel_offset = 0;  // pixels of row i start at pixel_offset + i * height * width
};

// Throws IoError or DataError naming the file.
ShardContents read_shard(const std::filesystem::path& path);

}  // namespace genu::pipeline
