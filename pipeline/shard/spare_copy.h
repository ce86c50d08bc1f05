// The second copy of everything in a shard but its pixels: HDF5's structure, labels, checksums, attributes (0.25 % of a
// full shard of 224 px). It stands behind the last byte of the HDF5 file, where HDF5 does not look. One flipped byte
// outside the pixels therefore loses nothing, and HDF5 is only ever handed bytes whose checksum matches.
//
//   directory | bytes of the ranges, one after another | table | header         (directory = header | table)
//
// header, 64 bytes, little-endian: "GENUCOPY", version u32, ranges u32, hdf5_end u64, bytes u64, CRC-32C of the bytes
// u32, CRC-32C of header (this field as 0) and table u32, 24 zero bytes. table: offset u64, size u64 of each range.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "pipeline/shard/memory_file.h"

namespace genu::pipeline {

struct ShardMetadata {
  std::uint64_t hdf5_end = 0;       // size of the HDF5 file proper
  std::vector<ByteRange> ranges;    // ascending, disjoint, within hdf5_end
  std::vector<std::uint8_t> bytes;  // of the ranges, one after another
  bool operator==(const ShardMetadata&) const = default;
};

// What is written behind the HDF5 file.
std::vector<std::uint8_t> encode_spare_copy(const ShardMetadata& metadata);

enum class CopyState : std::uint8_t {
  kIntact,           // both copies are good
  kSpareDamaged,     // the HDF5 file's own bytes are good, the spare copy or its directory are not
  kOriginalDamaged,  // read from the spare copy
};

struct CheckedMetadata {
  ShardMetadata metadata;
  CopyState state = CopyState::kIntact;
};

// `file`: the whole shard. Throws DataError ("PATH: ...") if neither copy is good.
CheckedMetadata check_metadata(std::span<const std::uint8_t> file, const std::filesystem::path& path);

// The stretches of [0, end) outside `taken` (ascending, disjoint).
std::vector<ByteRange> ranges_outside(std::span<const ByteRange> taken, std::uint64_t end);

}  // namespace genu::pipeline
