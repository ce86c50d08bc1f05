#include <fcntl.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "pipeline/shard/hdf5_file.h"
#include "pipeline/shard/row_file.h"
#include "pipeline/shard/spare_copy.h"

namespace genu::pipeline {

namespace {

template <class Get>
std::vector<std::uint8_t> codes(const std::vector<SampleRecord>& records, Get get) {
  std::vector<std::uint8_t> out;
  out.reserve(records.size());
  for (const SampleRecord& record : records) out.push_back(static_cast<std::uint8_t>(get(record)));
  return out;
}

template <class Get>
std::vector<std::string> texts(const std::vector<SampleRecord>& records, Get get) {
  std::vector<std::string> out;
  out.reserve(records.size());
  for (const SampleRecord& record : records) out.push_back(get(record));
  return out;
}

void write_codes(Hdf5File& file, const std::string& name, const std::vector<std::uint8_t>& values) {
  const std::array<std::size_t, 1> shape = {values.size()};
  file.write_array(name, ElementType::kUint8, shape, values.data());
}

void write_checksums(Hdf5File& file, const std::string& name, const std::vector<std::uint32_t>& values) {
  const std::array<std::size_t, 1> shape = {values.size()};
  file.write_array(name, ElementType::kUint32, shape, values.data());
}

void write_labels(Hdf5File& file, const std::vector<SampleRecord>& records) {
  write_codes(file, "kl", codes(records, [](const auto& r) { return r.kl.value(); }));
  write_codes(file, "kl_read", codes(records, [](const auto& r) { return r.kl_read.value(); }));
  file.write_texts("sample_id", texts(records, [](const auto& r) { return r.sample_id; }));
  file.write_texts("subject", texts(records, [](const auto& r) { return r.subject; }));
  write_codes(file, "side", codes(records, [](const auto& r) {
                return !r.side ? 0 : *r.side == KneeSide::kLeft ? 1 : 2;
              }));
  write_codes(file, "source", codes(records, [](const auto& r) { return r.source; }));
  write_codes(file, "split", codes(records, [](const auto& r) { return r.split; }));
  write_codes(file, "variant", codes(records, [](const auto& r) { return r.variant; }));
  file.write_attribute("side", "names", std::vector<std::string>{"unknown", "L", "R"});
  std::vector<std::string> names;
  for (const Source source : kAllSources) names.emplace_back(to_string(source));
  file.write_attribute("source", "names", names);
  names.clear();
  for (const Split split : kAllSplits) names.emplace_back(to_string(split));
  file.write_attribute("split", "names", names);
}

void write_source_hashes(Hdf5File& file, const std::vector<SampleRecord>& records) {
  std::vector<std::uint8_t> hashes;
  for (const SampleRecord& record : records) {
    hashes.insert(hashes.end(), record.source_sha256.begin(), record.source_sha256.end());
  }
  const std::array<std::size_t, 2> shape = {records.size(), Sha256Digest{}.size()};
  file.write_array("source_sha256", ElementType::kUint8, shape, hashes.data());
}

void write_augmentations(Hdf5File& file, const std::vector<AugmentParameters>& augmentations) {
  std::vector<NumberColumn> table;
  for (const char* name : augmentation_names()) table.push_back({name, {}});
  for (const AugmentParameters& augmentation : augmentations) {
    const auto numbers = augmentation_numbers(augmentation);
    for (std::size_t c = 0; c < table.size(); ++c) table[c].values.push_back(numbers[c]);
  }
  file.write_table("augmentation", table);
}

void write_facts(Hdf5File& file, const SetFacts& facts, const ShardRows& rows) {
  const ClassCounts counts = class_counts(rows.records);
  file.write_attribute("/", "format", std::string("genu shard"));
  file.write_attribute("/", "format_version", std::vector<std::uint64_t>{kShardFormatVersion});
  file.write_attribute("/", "class_counts", std::vector<std::uint64_t>(counts.begin(), counts.end()));
  file.write_attribute("/", "training_mean_grey", facts.training_pixels.mean_grey);
  file.write_attribute("/", "training_sd_grey", facts.training_pixels.sd_grey);
  file.write_attribute("/", "config_yaml", facts.config_yaml);
  file.write_attribute("/", "preprocess_yaml", facts.preprocess_yaml);
  file.write_attribute("/", "split_proof_json", facts.split_proof_json);
}

void write_rows(Hdf5File& file, const ShardRows& rows) {
  write_labels(file, rows.records);
  write_source_hashes(file, rows.records);
  write_augmentations(file, rows.augmentations);
  write_checksums(file, "crc32c", rows.pixel_crc32c);
  std::vector<std::uint32_t> checksums;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    checksums.push_back(record_crc32c(rows.records[i], rows.augmentations[i]));
  }
  write_checksums(file, "record_crc32c", checksums);
}

using ImageShape = std::array<std::size_t, 3>;

ImageShape image_shape(const RowFile& rows) {
  return {rows.size(), static_cast<std::size_t>(rows.format().height_px),
          static_cast<std::size_t>(rows.format().width_px)};
}

// Where HDF5 will find the rows, and all that surrounds them.
struct Skeleton {
  MemoryFile image;
  std::vector<ByteRange> rows;
};

// The region of the pixels is set aside and not written.
Skeleton plain_skeleton(const RowFile& rows, const ShardRows& contents, const SetFacts& facts) {
  Hdf5File file = Hdf5File::create_in_memory(rows.path(), Placement::kPages);
  if (file.reserve_bytes("image", image_shape(rows)) != kPixelOffset) {
    throw InternalError("HDF5 placed the pixels elsewhere than at byte 4096");
  }
  write_rows(file, contents);
  write_facts(file, facts, contents);
  return {file.close_image(), {{kPixelOffset, rows.size() * rows.format().pixel_count()}}};
}

// The rows' streams are in it.
Skeleton deflated_skeleton(const RowFile& rows, const ShardRows& contents, const SetFacts& facts) {
  Hdf5File file = Hdf5File::create_in_memory(rows.path(), Placement::kPacked);
  auto places =
      file.write_deflated_rows("image", image_shape(rows), [&](std::size_t row) { return rows.read_stored(row); });
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint32_t> sizes;
  for (const ByteRange& place : places) {
    offsets.push_back(place.offset);
    sizes.push_back(static_cast<std::uint32_t>(place.size));
  }
  const std::array<std::size_t, 1> shape = {places.size()};
  file.write_array("stored_offset", ElementType::kUint64, shape, offsets.data());
  file.write_array("stored_bytes", ElementType::kUint32, shape, sizes.data());
  write_rows(file, contents);
  write_facts(file, facts, contents);
  std::sort(places.begin(), places.end(), [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  return {file.close_image(), std::move(places)};
}

ShardMetadata metadata_of(const Skeleton& skeleton) {
  ShardMetadata metadata{skeleton.image.size(), ranges_outside(skeleton.rows, skeleton.image.size()), {}};
  for (const ByteRange& range : metadata.ranges) {
    const auto bytes = skeleton.image.read(range);
    metadata.bytes.insert(metadata.bytes.end(), bytes.begin(), bytes.end());
  }
  return metadata;
}

// Writes the given ranges of the image to the same places of the file.
void copy_ranges(const MemoryFile& image, std::span<const ByteRange> ranges, int descriptor,
                 const std::filesystem::path& path) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  for (const ByteRange& range : ranges) {
    for (std::uint64_t at = 0; at < range.size; at += kPiece) {
      const ByteRange piece{range.offset + at, std::min(kPiece, range.size - at)};
      write_at(descriptor, piece.offset, image.read(piece), path);
    }
  }
}

}  // namespace

CompletedShard complete_shard(const RowFile& rows, const ShardRows& contents, const SetFacts& facts) {
  if (rows.size() == 0 || rows.size() != contents.size()) throw InternalError("complete_shard: rows do not match");
  const bool plain = rows.format().storage == PixelStorage::kPlain;
  const Skeleton skeleton = plain ? plain_skeleton(rows, contents, facts) : deflated_skeleton(rows, contents, facts);
  const ShardMetadata metadata = metadata_of(skeleton);
  const auto spare = encode_spare_copy(metadata);

  CompletedShard shard{rows.path(), {}};
  if (!plain) shard.file += ".shard";
  const Descriptor file = open_file(shard.file, plain ? O_RDWR : O_RDWR | O_CREAT | O_TRUNC);
  const std::array<ByteRange, 1> all = {ByteRange{0, metadata.hdf5_end}};
  copy_ranges(skeleton.image, plain ? std::span<const ByteRange>(metadata.ranges) : all, file.get(), shard.file);
  write_at(file.get(), metadata.hdf5_end, spare, shard.file);
  shard.sha256 = sha256(std::as_bytes(MappedFile(shard.file).bytes()));
  flush_file(file.get(), shard.file);
  return shard;
}

}  // namespace genu::pipeline
