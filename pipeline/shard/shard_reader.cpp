#include "pipeline/shard/shard_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/errors.h"
#include "pipeline/shard/hdf5_file.h"

namespace genu::pipeline {

namespace {

struct Columns {
  std::vector<std::uint8_t> kl, kl_read, side, source, split, variant, source_sha256;
  std::vector<std::string> sample_id, subject;
  std::vector<NumberColumn> augmentation;
};

[[noreturn]] void throw_bad(const std::filesystem::path& path, const std::string& fault) {
  throw DataError(path.string() + ": " + fault + "; make the shards again or restore the file");
}

void require_version(const Hdf5File& file, const std::filesystem::path& path) {
  const auto version = file.read_uint64_attribute("/", "format_version").front();
  if (version != kShardFormatVersion) {
    throw_bad(path, fmt::format("format version {}, this program reads {}", version, kShardFormatVersion));
  }
}

Columns read_columns(const Hdf5File& file) {
  const std::vector<std::string> columns(augmentation_names().begin(), augmentation_names().end());
  Columns c;
  c.kl = file.read_bytes("kl");
  c.kl_read = file.read_bytes("kl_read");
  c.side = file.read_bytes("side");
  c.source = file.read_bytes("source");
  c.split = file.read_bytes("split");
  c.variant = file.read_bytes("variant");
  c.source_sha256 = file.read_bytes("source_sha256");
  c.sample_id = file.read_texts("sample_id");
  c.subject = file.read_texts("subject");
  c.augmentation = file.read_table("augmentation", columns);
  return c;
}

void require_lengths(const Columns& c, std::size_t count, const ShardContents& contents,
                     const std::filesystem::path& path) {
  bool equal = c.kl.size() == count && c.kl_read.size() == count && c.side.size() == count &&
               c.source.size() == count && c.split.size() == count && c.variant.size() == count &&
               c.source_sha256.size() == count * Sha256Digest{}.size() && c.sample_id.size() == count &&
               c.subject.size() == count && contents.rows.pixel_crc32c.size() == count &&
               contents.record_crc32c.size() == count;
  for (const NumberColumn& column : c.augmentation) equal = equal && column.values.size() == count;
  if (!equal) throw_bad(path, "its arrays differ in length");
}

bool is_malformed(const Columns& c, std::size_t i) {
  const double flip = c.augmentation.at(4).values[i];
  return c.side[i] > 2 || c.source[i] >= kAllSources.size() || c.split[i] >= kAllSplits.size() ||
         c.kl[i] >= kKlGradeCount || c.kl_read[i] >= kKlGradeCount || !(flip == 0 || flip == 1);
}

// A damaged label must not stop the whole shard: it reads as the nearest valid value here, and the sample counts as
// malformed.
SampleRecord record_at(const Columns& c, std::size_t i) {
  SampleRecord record;
  record.sample_id = c.sample_id[i];
  record.subject = c.subject[i];
  if (c.side[i] == 1) record.side = KneeSide::kLeft;
  if (c.side[i] == 2) record.side = KneeSide::kRight;
  record.source = static_cast<Source>(std::min<std::size_t>(c.source[i], kAllSources.size() - 1));
  record.split = static_cast<Split>(std::min<std::size_t>(c.split[i], kAllSplits.size() - 1));
  record.kl = KlGrade(std::min<int>(c.kl[i], kKlGradeCount - 1));
  record.kl_read = KlGrade(std::min<int>(c.kl_read[i], kKlGradeCount - 1));
  record.variant = c.variant[i];
  std::copy_n(c.source_sha256.begin() + static_cast<std::ptrdiff_t>(i * record.source_sha256.size()),
              record.source_sha256.size(), record.source_sha256.begin());
  return record;
}

AugmentParameters augmentation_at(const Columns& c, std::size_t i) {
  std::vector<double> numbers;
  for (const NumberColumn& column : c.augmentation) numbers.push_back(column.values[i]);
  return augmentation_from_numbers(numbers);
}

SetFacts read_facts(const Hdf5File& file) {
  SetFacts facts;
  facts.training_pixels.mean_grey = file.read_number_attribute("/", "training_mean_grey");
  facts.training_pixels.sd_grey = file.read_number_attribute("/", "training_sd_grey");
  facts.config_yaml = file.read_text_attribute("/", "config_yaml");
  facts.preprocess_yaml = file.read_text_attribute("/", "preprocess_yaml");
  facts.split_proof_json = file.read_text_attribute("/", "split_proof_json");
  return facts;
}

// The HDF5 file with a hole where the pixels are.
MemoryFile image_of(const ShardMetadata& metadata) {
  MemoryFile image;
  image.resize(metadata.hdf5_end);
  std::span<const std::uint8_t> left(metadata.bytes);
  for (const ByteRange& range : metadata.ranges) {
    image.write(range.offset, left.first(range.size));
    left = left.subspan(range.size);
  }
  return image;
}

std::vector<ByteRange> plain_rows(const Hdf5File& file, std::size_t count, std::size_t bytes_each) {
  std::vector<ByteRange> rows;
  const std::uint64_t offset = file.contiguous_offset("image");
  for (std::size_t i = 0; i < count; ++i) rows.push_back({offset + i * bytes_each, bytes_each});
  return rows;
}

std::vector<ByteRange> deflated_rows(const Hdf5File& file, std::size_t count, const std::filesystem::path& path) {
  const auto offsets = file.read_uint64("stored_offset");
  const auto sizes = file.read_uint32("stored_bytes");
  if (offsets.size() != count || sizes.size() != count) throw_bad(path, "its arrays differ in length");
  std::vector<ByteRange> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back({offsets[i], sizes[i]});
  return rows;
}

// Height and width of `shape`, which is that of 'image'.
void read_size(const std::vector<std::size_t>& shape, const std::filesystem::path& path, ShardContents& contents) {
  constexpr std::size_t kLargestSide = 4096;
  if (shape.size() != 3) throw_bad(path, "'image' is not [samples, height, width]");
  if (!(shape[1] >= 1 && shape[1] <= kLargestSide && shape[2] >= 1 && shape[2] <= kLargestSide)) {
    throw_bad(path, fmt::format("images of {} x {} px are not possible", shape[1], shape[2]));
  }
  contents.height_px = static_cast<int>(shape[1]);
  contents.width_px = static_cast<int>(shape[2]);
}

}  // namespace

ShardContents read_shard(std::span<const std::uint8_t> bytes, const std::filesystem::path& path) {
  const CheckedMetadata checked = check_metadata(bytes, path);
  const Hdf5File file = Hdf5File::open_in_memory(path, image_of(checked.metadata));
  require_version(file, path);
  const auto shape = file.shape("image");
  ShardContents contents;
  contents.copies = checked.state;
  read_size(shape, path, contents);
  contents.facts = read_facts(file);
  contents.rows.pixel_crc32c = file.read_uint32("crc32c");
  contents.record_crc32c = file.read_uint32("record_crc32c");
  const Columns columns = read_columns(file);
  require_lengths(columns, shape[0], contents, path);
  contents.is_deflated = file.is_chunked("image");
  contents.stored_rows =
      contents.is_deflated ? deflated_rows(file, shape[0], path) : plain_rows(file, shape[0], shape[1] * shape[2]);
  for (const ByteRange& row : contents.stored_rows) {
    if (row.offset > bytes.size() || row.size > bytes.size() - row.offset) {
      throw_bad(path, "it ends before its pixels do");
    }
  }
  for (std::size_t i = 0; i < shape[0]; ++i) {
    contents.rows.records.push_back(record_at(columns, i));
    contents.rows.augmentations.push_back(augmentation_at(columns, i));
    contents.malformed.push_back(is_malformed(columns, i) ? 1 : 0);
  }
  return contents;
}

}  // namespace genu::pipeline
