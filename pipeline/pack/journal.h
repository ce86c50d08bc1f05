// What has been packed so far, written down sample by sample: `--resume` goes on from here after a kill at any moment.
// Rows are in their files before their entry is; an entry that is not whole is as good as absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/hash.h"
#include "pipeline/shard/raw_file.h"
#include "pipeline/shard/row_file.h"
#include "pipeline/split/near_duplicates.h"

namespace genu::pipeline {

// Tells whether a file has been touched since.
struct FileStamp {
  std::uint64_t byte_count = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
// All zero if there is no such file.
FileStamp file_stamp(const std::filesystem::path& path);

// What is remembered of one sample beside its pixels.
struct PackedSample {
  FileStamp stamp;
  std::string fault;  // why it was left out; empty if it was packed
  Sha256Digest sha256{};
  ImageFingerprint fingerprint;
  std::uint64_t grey_sum = 0;  // over the image itself
  std::uint64_t grey_square_sum = 0;
  bool was_negative = false;
  bool was_mirrored = false;
  bool was_coloured = false;
  std::vector<StoredRow> rows;  // first the image itself; empty if it was left out
  bool operator==(const PackedSample&) const = default;
};

struct JournalHeader {
  std::string job_hash;     // 64 hexadecimal digits
  std::uint64_t first = 0;  // index of the first sample of this part
  std::uint64_t count = 0;  // samples of this part
  bool operator==(const JournalHeader&) const = default;
};

struct JournalContents {
  JournalHeader header;
  std::vector<PackedSample> samples;  // in order, from header.first on
  std::vector<std::uint64_t> ends;    // where each entry ends in the file
  std::uint64_t header_end = 0;
};

// Entries up to the first that is not whole; nothing if the header is not.
std::optional<JournalContents> read_journal(const std::filesystem::path& path);

// Not thread-safe.
class Journal {
 public:
  // A new one in place of any old one.
  Journal(std::filesystem::path path, const JournalHeader& header);
  // Goes on behind `byte_count` bytes of an old one.
  Journal(std::filesystem::path path, std::uint64_t byte_count);

  void append(std::span<const PackedSample> samples);

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t end_ = 0;
};

}  // namespace genu::pipeline
