#include "pipeline/shard/verify_shards.h"

#include <fmt/format.h>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

std::string sample_name(const SampleRecord& record) {
  return record.variant == 0 ? record.sample_id : fmt::format("{} variant {}", record.sample_id, record.variant);
}

// Adds a line for each sample whose pixels or record differ from their checksum; returns how many.
std::size_t check_samples(const fs::path& file, const ShardContents& shard, std::span<const std::uint8_t> bytes,
                          std::vector<std::string>& faults) {
  const std::size_t size = static_cast<std::size_t>(shard.height_px) * static_cast<std::size_t>(shard.width_px);
  std::size_t damaged = 0;
  for (std::size_t row = 0; row < shard.rows.size(); ++row) {
    const SampleRecord& record = shard.rows.records[row];
    const auto pixels = bytes.subspan(shard.pixel_offset + row * size, size);
    const bool pixels_good = crc32c(std::as_bytes(pixels)) == shard.rows.pixel_crc32c[row];
    const bool record_good =
        shard.malformed[row] == 0 && record_crc32c(record, shard.rows.augmentations[row]) == shard.record_crc32c[row];
    if (pixels_good && record_good) continue;
    ++damaged;
    faults.push_back(fmt::format("{}: sample {} (row {}): {} damaged", file.string(), sample_name(record), row,
                                 pixels_good   ? "labels are"
                                 : record_good ? "pixels are"
                                               : "pixels and labels are"));
  }
  return damaged;
}

void check_shard(const fs::path& file, const ShardIndex& index, const ShardIndex::Entry& entry, VerifyReport& report) {
  try {
    const auto bytes = read_file(file);
    const bool whole = to_hex(sha256(std::as_bytes(std::span(bytes)))) == entry.sha256_hex;
    const ShardContents shard = read_shard(file);
    const std::size_t image_bytes =
        entry.count * static_cast<std::size_t>(index.height_px) * static_cast<std::size_t>(index.width_px);
    if (shard.rows.size() != entry.count || shard.height_px != index.height_px || shard.width_px != index.width_px ||
        shard.pixel_offset > bytes.size() || image_bytes > bytes.size() - shard.pixel_offset) {
      throw DataError(file.string() + ": does not hold what shards.json says; restore it or make the shards again");
    }
    const std::size_t damaged = check_samples(file, shard, bytes, report.faults);
    report.damaged_samples += damaged;
    if (!whole && damaged == 0) {
      report.faults.push_back(file.string() +
                              ": SHA-256 differs from shards.json, yet every sample is intact; restore it");
    }
  } catch (const Error& error) {
    report.damaged_samples += entry.count;
    report.faults.push_back(fmt::format("{} ({} samples lost)", error.what(), entry.count));
  }
}

}  // namespace

VerifyReport verify_shards(const fs::path& path) {
  const fs::path index_path = find_shard_index(path);
  const ShardIndex index = parse_shard_index(read_text_file(index_path), index_path.string());
  VerifyReport report;
  report.shards = index.shards.size();
  report.samples = index.size();
  for (const ShardIndex::Entry& entry : index.shards) {
    check_shard(index_path.parent_path() / entry.file, index, entry, report);
  }
  return report;
}

}  // namespace genu::pipeline
