// The pixels of one shard while they arrive. Rows go to their final place at once; what surrounds them is written when
// the shard is completed. A file of rows that an interrupted run left can be taken over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "core/hash.h"
#include "pipeline/shard/raw_file.h"
#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

enum class PixelStorage : std::uint8_t {
  kPlain,    // contiguous: row i at a fixed place
  kDeflate,  // a zlib stream a row
};

struct RowFormat {
  int height_px = 0;
  int width_px = 0;
  PixelStorage storage = PixelStorage::kPlain;
  std::size_t pixel_count() const { return static_cast<std::size_t>(height_px) * static_cast<std::size_t>(width_px); }
};

// A row as it is stored.
struct EncodedRow {
  std::uint32_t pixel_crc32c = 0;   // of the pixels, not of the stream
  std::vector<std::uint8_t> bytes;  // pixels or zlib stream
};
EncodedRow encode_row(std::vector<std::uint8_t> pixels, PixelStorage storage);

struct StoredRow {
  std::uint32_t pixel_crc32c = 0;
  std::uint32_t byte_count = 0;
  bool operator==(const StoredRow&) const = default;
};

// Not thread-safe; several may work at the same time.
class RowFile {
 public:
  // A new, empty file. Throws IoError.
  RowFile(std::filesystem::path path, const RowFormat& format);
  // Takes a file over; what lies behind `rows` is cut off. Throws IoError if it is shorter than they need.
  RowFile(std::filesystem::path path, const RowFormat& format, std::vector<StoredRow> rows);

  // Where the first row starts.
  static std::uint64_t first_offset(const RowFormat& format);

  std::size_t size() const { return rows_.size(); }
  const std::vector<StoredRow>& rows() const { return rows_; }
  const std::filesystem::path& path() const { return path_; }
  const RowFormat& format() const { return format_; }

  // Throws IoError if the disk is full.
  void append(const EncodedRow& row);
  // Frees the descriptor; append() opens it again.
  void close();
  std::vector<std::uint8_t> read_stored(std::size_t row) const;
  // Nothing if the row is damaged.
  std::optional<std::vector<std::uint8_t>> read_pixels(std::size_t row) const;
  // Rows before the first damaged one.
  std::size_t intact_rows() const;

 private:
  std::uint64_t offset_of(std::size_t row) const { return offsets_.at(row); }

  std::filesystem::path path_;
  RowFormat format_;
  std::vector<StoredRow> rows_;
  std::vector<std::uint64_t> offsets_;  // of each row, and the end
  std::uint64_t started_flushing_ = 0;
  Descriptor file_;
};

// Completes the file of rows to a whole shard at `file` (the rows' own path, or beside it where the layout differs) and
// flushes it. `records[i]` and `augmentations[i]` belong to row i.
struct CompletedShard {
  std::filesystem::path file;
  Sha256Digest sha256{};
};
CompletedShard complete_shard(const RowFile& rows, const ShardRows& contents, const SetFacts& facts);

}  // namespace genu::pipeline
