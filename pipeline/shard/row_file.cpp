#include "pipeline/shard/row_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/errors.h"
#include "pipeline/shard/deflate.h"

namespace genu::pipeline {

namespace {

// Nothing if the bytes are not a row of this format.
std::optional<std::vector<std::uint8_t>> decode_row(const RowFormat& format, std::vector<std::uint8_t> bytes) {
  if (format.storage == PixelStorage::kPlain) {
    if (bytes.size() != format.pixel_count()) return std::nullopt;
    return bytes;
  }
  std::vector<std::uint8_t> pixels(format.pixel_count());
  if (!inflate_zlib(bytes, pixels)) return std::nullopt;
  return pixels;
}

}  // namespace

EncodedRow encode_row(std::vector<std::uint8_t> pixels, PixelStorage storage) {
  constexpr int kLevel = 6;  // on knees 2 % larger than level 9 at a third of its time
  EncodedRow row{crc32c(std::as_bytes(std::span(pixels))), {}};
  row.bytes = storage == PixelStorage::kDeflate ? deflate_zlib(pixels, kLevel) : std::move(pixels);
  return row;
}

std::uint64_t RowFile::first_offset(const RowFormat& format) {
  return format.storage == PixelStorage::kPlain ? kPixelOffset : 0;
}

RowFile::RowFile(std::filesystem::path path, const RowFormat& format)
    : path_(std::move(path)),
      format_(format),
      offsets_{first_offset(format)},
      file_(open_file(path_, O_RDWR | O_CREAT | O_TRUNC)) {}

RowFile::RowFile(std::filesystem::path path, const RowFormat& format, std::vector<StoredRow> rows)
    : path_(std::move(path)), format_(format), offsets_{first_offset(format)} {
  for (const StoredRow& row : rows) offsets_.push_back(offsets_.back() + row.byte_count);
  rows_ = std::move(rows);
  started_flushing_ = offsets_.back();
  if (std::filesystem::file_size(path_) < offsets_.back() && !rows_.empty()) {
    throw IoError(path_.string() + ": shorter than the journal says; run again without --resume");
  }
  if (::truncate(path_.c_str(), static_cast<off_t>(offsets_.back())) != 0) {
    throw IoError(path_.string() + ": cannot cut: " + std::strerror(errno));
  }
}

void RowFile::append(const EncodedRow& row) {
  if (!file_.is_open()) file_ = open_file(path_, O_RDWR);
  write_at(file_.get(), offsets_.back(), row.bytes, path_);
  rows_.push_back({row.pixel_crc32c, static_cast<std::uint32_t>(row.bytes.size())});
  offsets_.push_back(offsets_.back() + row.bytes.size());
  // The disk starts while images are still being decoded, so that the last flush has little left to do.
  constexpr std::uint64_t kFlushBytes = std::uint64_t{8} << 20;
  if (offsets_.back() - started_flushing_ >= kFlushBytes) {
    const std::uint64_t begin = std::exchange(started_flushing_, offsets_.back());
    ::sync_file_range(file_.get(), static_cast<off_t>(begin), static_cast<off_t>(offsets_.back() - begin),
                      SYNC_FILE_RANGE_WRITE);
  }
}

void RowFile::close() { file_.reset(); }

std::vector<std::uint8_t> RowFile::read_stored(std::size_t row) const {
  const Descriptor opened = file_.is_open() ? Descriptor() : open_file(path_, O_RDONLY);
  std::vector<std::uint8_t> bytes(rows_.at(row).byte_count);
  read_at(opened.is_open() ? opened.get() : file_.get(), offset_of(row), bytes, path_);
  return bytes;
}

std::optional<std::vector<std::uint8_t>> RowFile::read_pixels(std::size_t row) const {
  auto pixels = decode_row(format_, read_stored(row));
  if (pixels && crc32c(std::as_bytes(std::span(*pixels))) != rows_.at(row).pixel_crc32c) return std::nullopt;
  return pixels;
}

std::size_t RowFile::intact_rows() const {
  std::size_t row = 0;
  while (row < size() && read_pixels(row)) ++row;
  return row;
}

}  // namespace genu::pipeline
