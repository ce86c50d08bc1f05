#include "pipeline/shard/verify_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "pipeline/shard/deflate.h"
#include "pipeline/shard/raw_file.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

using Bytes = std::span<const std::uint8_t>;

// An index and the folder it stands for.
struct OpenIndex {
  fs::path folder;
  ShardIndex index;
  std::string sha256_hex;
};

OpenIndex open_index(const fs::path& path) {
  const fs::path file = find_shard_index(path);
  const std::string text = read_text_file(file);
  return {file.parent_path(), parse_shard_index(text, file.string()), to_hex(sha256(text))};
}

std::string sample_name(const SampleRecord& record) {
  return record.variant == 0 ? record.sample_id : fmt::format("{} variant {}", record.sample_id, record.variant);
}

bool pixels_match(Bytes stored, const ShardContents& shard, std::size_t row, std::vector<std::uint8_t>& scratch) {
  Bytes pixels = stored;
  if (shard.is_deflated) {
    scratch.resize(static_cast<std::size_t>(shard.height_px) * static_cast<std::size_t>(shard.width_px));
    if (!inflate_zlib(stored, scratch)) return false;
    pixels = scratch;
  }
  return crc32c(std::as_bytes(pixels)) == shard.rows.pixel_crc32c[row];
}

class Verifier {
 public:
  explicit Verifier(const OpenIndex& open) : open_(open), quarantine_(read_quarantine(open.folder, open.sha256_hex)) {
    report_.shards = open.index.shards.size();
    report_.samples = open.index.size();
    report_.found.index_sha256_hex = open.sha256_hex;
  }

  VerifyReport run() {
    for (const ShardIndex::Entry& entry : open_.index.shards) check_shard(entry);
    report_needless_entries();
    return std::move(report_);
  }

 private:
  void check_shard(const ShardIndex::Entry& entry) {
    const fs::path file = open_.folder / entry.file;
    try {
      const MappedFile mapped(file);
      const bool whole = to_hex(sha256(std::as_bytes(mapped.bytes()))) == entry.sha256_hex;
      const ShardContents shard = read_shard(mapped.bytes(), file);
      if (shard.rows.size() != entry.count || shard.height_px != open_.index.height_px ||
          shard.width_px != open_.index.width_px) {
        throw DataError(file.string() + ": does not hold what shards.json says; restore it or make the shards again");
      }
      const bool copies_good = check_copies(file, entry, shard.copies);
      const bool samples_good = check_samples(entry, shard, mapped.bytes());
      if (!whole && copies_good && samples_good) {
        report_.faults.push_back(file.string() +
                                 ": SHA-256 differs from shards.json, yet every sample is intact; restore it");
      }
    } catch (const Error& error) {
      lose_shard(entry, error.what());
    }
  }

  bool check_copies(const fs::path& file, const ShardIndex::Entry& entry, CopyState state) {
    if (state == CopyState::kIntact) return true;
    report_.restorable_files.push_back(entry.file);
    report_.faults.push_back(
        fmt::format("{}: the {} copy of labels and structure is damaged, the other is good: no "
                    "sample is lost; `genu verify --repair` restores it",
                    file.string(), state == CopyState::kSpareDamaged ? "spare" : "first"));
    return false;
  }

  bool check_samples(const ShardIndex::Entry& entry, const ShardContents& shard, Bytes bytes) {
    bool all_good = true;
    const bool shard_left_out = quarantine_.holds_shard(entry.file);
    std::vector<std::uint8_t> scratch;
    for (std::size_t row = 0; row < shard.rows.size(); ++row) {
      const SampleRecord& record = shard.rows.records[row];
      const ByteRange& place = shard.stored_rows[row];
      const bool pixels_good = pixels_match(bytes.subspan(place.offset, place.size), shard, row, scratch);
      const bool record_good =
          shard.malformed[row] == 0 && record_crc32c(record, shard.rows.augmentations[row]) == shard.record_crc32c[row];
      if (pixels_good && record_good) {
        needlessly_left_out_ += shard_left_out || quarantine_.holds(entry.file, row) ? 1u : 0u;
        continue;
      }
      all_good = false;
      const std::string fault = pixels_good   ? "labels are damaged"
                                : record_good ? "pixels are damaged"
                                              : "pixels and labels are damaged";
      lose_sample(entry, row, record, fault);
    }
    return all_good;
  }

  void lose_sample(const ShardIndex::Entry& entry, std::size_t row, const SampleRecord& record,
                   const std::string& fault) {
    report_.found.samples.push_back({entry.file, row, record.sample_id, record.variant, fault});
    if (quarantine_.holds(entry.file, row)) {
      ++report_.quarantined_samples;
      return;
    }
    ++report_.damaged_samples;
    report_.faults.push_back(fmt::format("{}: sample {} (row {}): {}", (open_.folder / entry.file).string(),
                                         sample_name(record), row, fault));
  }

  void lose_shard(const ShardIndex::Entry& entry, const std::string& fault) {
    report_.found.shards.push_back({entry.file, entry.count, fault});
    if (quarantine_.holds_shard(entry.file)) {
      report_.quarantined_samples += entry.count;
      return;
    }
    report_.damaged_samples += entry.count;
    report_.faults.push_back(fmt::format("{} ({} samples lost)", fault, entry.count));
  }

  // A file may have been restored since the list was written; readers would go on leaving its samples out.
  void report_needless_entries() {
    if (needlessly_left_out_ == 0) return;
    report_.faults.push_back(fmt::format("{}: leaves out {} samples that are intact; run `genu verify --repair`",
                                         (open_.folder / kQuarantineName).string(), needlessly_left_out_));
  }

  const OpenIndex& open_;
  Quarantine quarantine_;
  std::size_t needlessly_left_out_ = 0;
  VerifyReport report_;
};

// Pixels stay as they are; everything else is written anew from the copy that is good.
void restore_copies(const fs::path& file) {
  const MappedFile mapped(file);
  const CheckedMetadata checked = check_metadata(mapped.bytes(), file);
  AtomicFile out(file);
  Bytes left(checked.metadata.bytes);
  std::uint64_t at = 0;
  for (const ByteRange& range : checked.metadata.ranges) {
    out.write(std::as_bytes(mapped.bytes().subspan(at, range.offset - at)));
    out.write(std::as_bytes(left.first(range.size)));
    left = left.subspan(range.size);
    at = range.offset + range.size;
  }
  out.write(std::as_bytes(mapped.bytes().subspan(at, checked.metadata.hdf5_end - at)));
  const auto spare = encode_spare_copy(checked.metadata);
  out.write(std::as_bytes(std::span(spare)));
  out.commit();
}

}  // namespace

VerifyReport verify_shards(const fs::path& path) {
  const OpenIndex open = open_index(path);
  return Verifier(open).run();
}

RepairReport repair_shards(const fs::path& path) {
  const OpenIndex open = open_index(path);
  const VerifyReport found = Verifier(open).run();
  RepairReport report;
  for (const std::string& file : found.restorable_files) restore_copies(open.folder / file);
  report.restored_files = found.restorable_files.size();
  report.quarantined_samples = found.damaged_samples + found.quarantined_samples;
  const fs::path quarantine = open.folder / kQuarantineName;
  if (report.quarantined_samples > 0) {
    write_file_atomically(quarantine, to_json(found.found));
  } else if (fs::exists(quarantine)) {
    fs::remove(quarantine);  // what it named has been restored
  }
  return report;
}

}  // namespace genu::pipeline
