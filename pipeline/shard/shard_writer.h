// Writes one shard. Pixels stream straight to their final place in the file; HDF5 is used once, at the end, to build
// the header and the small arrays around them (in memory), so that a full disk never meets the library half-way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "core/files.h"
#include "core/hash.h"
#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

// append() any number of rows, finish() once, commit() once. Destroying it uncommitted leaves nothing behind.
// Not thread-safe; two writers may work at the same time.
class ShardWriter {
 public:
  // Throws IoError if the folder is missing or not writable.
  ShardWriter(std::filesystem::path path, int height_px, int width_px);

  std::size_t size() const { return rows_.size(); }
  const ShardRows& rows() const { return rows_; }
  const std::filesystem::path& path() const { return path_; }

  // pixels: [height, width]. Throws IoError if the disk is full.
  void append(const SampleRecord& record, const AugmentParameters& augmentation, std::span<const std::uint8_t> pixels);
  // Reads back the pixels of a row written earlier.
  std::vector<std::uint8_t> read_pixels(std::size_t row) const;
  // Completes the file under its temporary name and returns the SHA-256 of its bytes. Requires size() > 0.
  Sha256Digest finish(const SetFacts& facts);
  // Gives the file its name.
  void commit();

 private:
  std::filesystem::path path_;
  int height_px_;
  int width_px_;
  ShardRows rows_;
  AtomicFile file_;
};

}  // namespace genu::pipeline
