#include "pipeline/shard/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "pipeline/shard/hdf5_file.h"

namespace genu::pipeline {

namespace {

// The pixels start here: HDF5 puts /image, the first dataset made, on the first page boundary after its header.
constexpr std::size_t kPixelOffset = 4096;

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

Descriptor open_or_throw(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) throw IoError(path.string() + ": cannot open: " + std::strerror(errno));
  return Descriptor(descriptor);
}

void read_at(int descriptor, std::size_t offset, std::span<std::uint8_t> out, const std::filesystem::path& path) {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw IoError(path.string() + ": cannot read back: " + std::strerror(count == 0 ? EIO : errno));
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
}

void write_at(int descriptor, std::size_t offset, std::span<const std::uint8_t> bytes,
              const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw IoError(path.string() + ": cannot write: " + std::strerror(count == 0 ? EIO : errno));
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::size_t>(count);
  }
}

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
  for (const std::string& name : augmentation_columns()) table.push_back({name, {}});
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

// Everything but the pixels, whose region is set aside.
Hdf5File build_skeleton(const std::filesystem::path& path, const SetFacts& facts, const ShardRows& rows,
                        std::span<const std::size_t> image_shape) {
  Hdf5File file = Hdf5File::create_in_memory(path);
  if (file.reserve_bytes("image", image_shape) != kPixelOffset) {
    throw InternalError("HDF5 placed the pixels elsewhere than at byte 4096");
  }
  write_labels(file, rows.records);
  write_source_hashes(file, rows.records);
  write_augmentations(file, rows.augmentations);
  write_checksums(file, "crc32c", rows.pixel_crc32c);
  std::vector<std::uint32_t> checksums;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    checksums.push_back(record_crc32c(rows.records[i], rows.augmentations[i]));
  }
  write_checksums(file, "record_crc32c", checksums);
  write_facts(file, facts, rows);
  return file;
}

Sha256Digest hash_file(int descriptor, std::size_t size, const std::filesystem::path& path) {
  Sha256 hash;
  std::vector<std::uint8_t> piece(std::size_t{1} << 20);
  for (std::size_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(piece.size(), size - at));
    read_at(descriptor, at, piece, path);
    hash.update(std::as_bytes(std::span(piece)));
  }
  return hash.finish();
}

}  // namespace

ShardWriter::ShardWriter(std::filesystem::path path, int height_px, int width_px)
    : path_(std::move(path)), height_px_(height_px), width_px_(width_px), file_(path_) {
  const std::vector<std::byte> header(kPixelOffset);
  file_.write(std::span(header));
}

void ShardWriter::append(const SampleRecord& record, const AugmentParameters& augmentation,
                         std::span<const std::uint8_t> pixels) {
  if (pixels.size() != static_cast<std::size_t>(height_px_) * static_cast<std::size_t>(width_px_)) {
    throw InternalError("ShardWriter: an image of another size");
  }
  file_.write(std::as_bytes(pixels));
  rows_.records.push_back(record);
  rows_.augmentations.push_back(augmentation);
  rows_.pixel_crc32c.push_back(crc32c(std::as_bytes(pixels)));
}

std::vector<std::uint8_t> ShardWriter::read_pixels(std::size_t row) const {
  const std::size_t size = static_cast<std::size_t>(height_px_) * static_cast<std::size_t>(width_px_);
  const Descriptor file = open_or_throw(file_.temporary_path(), O_RDONLY);
  std::vector<std::uint8_t> pixels(size);
  read_at(file.get(), kPixelOffset + row * size, pixels, path_);
  return pixels;
}

Sha256Digest ShardWriter::finish(const SetFacts& facts) {
  const std::array<std::size_t, 3> image_shape = {size(), static_cast<std::size_t>(height_px_),
                                                  static_cast<std::size_t>(width_px_)};
  Hdf5File skeleton = build_skeleton(path_, facts, rows_, image_shape);
  const auto bytes = skeleton.bytes();
  const std::size_t pixels_end = kPixelOffset + image_shape[0] * image_shape[1] * image_shape[2];
  file_.write(std::as_bytes(bytes.subspan(pixels_end)));
  const Descriptor file = open_or_throw(file_.temporary_path(), O_RDWR);
  write_at(file.get(), 0, bytes.first(kPixelOffset), path_);
  return hash_file(file.get(), bytes.size(), path_);
}

void ShardWriter::commit() { file_.commit(); }

}  // namespace genu::pipeline
