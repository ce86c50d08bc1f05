#include "pipeline/shard/spare_copy.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/errors.h"
#include "core/hash.h"

namespace genu::pipeline {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::array<std::uint8_t, 8> kMagic = {'G', 'E', 'N', 'U', 'C', 'O', 'P', 'Y'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kRangeSize = 16;
constexpr std::size_t kDirectoryCrcAt = 36;

template <class T>
void put(T value, std::uint8_t* out) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <class T>
T get(const std::uint8_t* in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(in[i]) << (8 * i));
  return value;
}

struct Directory {
  std::uint64_t hdf5_end = 0;
  std::uint64_t byte_count = 0;
  std::uint32_t bytes_crc32c = 0;
  std::vector<ByteRange> ranges;
  bool operator==(const Directory&) const = default;
  std::uint64_t encoded_size() const { return kHeaderSize + kRangeSize * ranges.size(); }
  std::uint64_t file_size() const { return hdf5_end + encoded_size() + byte_count + encoded_size(); }
};

std::vector<std::uint8_t> encode(const Directory& directory) {
  std::vector<std::uint8_t> out(directory.encoded_size());
  std::copy(kMagic.begin(), kMagic.end(), out.begin());
  put(kVersion, &out[8]);
  put(static_cast<std::uint32_t>(directory.ranges.size()), &out[12]);
  put(directory.hdf5_end, &out[16]);
  put(directory.byte_count, &out[24]);
  put(directory.bytes_crc32c, &out[32]);
  for (std::size_t i = 0; i < directory.ranges.size(); ++i) {
    put(directory.ranges[i].offset, &out[kHeaderSize + i * kRangeSize]);
    put(directory.ranges[i].size, &out[kHeaderSize + i * kRangeSize + 8]);
  }
  put(crc32c(std::as_bytes(std::span(out))), &out[kDirectoryCrcAt]);
  return out;
}

// Ascending, disjoint, within hdf5_end, and as many bytes as stated.
bool is_consistent(const Directory& directory) {
  std::uint64_t at = 0;
  std::uint64_t sum = 0;
  for (const ByteRange& range : directory.ranges) {
    if (range.offset < at || range.offset > directory.hdf5_end || range.size > directory.hdf5_end - range.offset) {
      return false;
    }
    at = range.offset + range.size;
    sum += range.size;
  }
  return sum == directory.byte_count;
}

// `header` and `table` lie together at the front and apart at the back.
std::optional<Directory> decode(Bytes header, Bytes table) {
  std::vector<std::uint8_t> whole(header.begin(), header.end());
  whole.insert(whole.end(), table.begin(), table.end());
  const auto stated = get<std::uint32_t>(&whole[kDirectoryCrcAt]);
  put(std::uint32_t{0}, &whole[kDirectoryCrcAt]);
  if (crc32c(std::as_bytes(std::span(whole))) != stated) return std::nullopt;
  Directory directory{
      get<std::uint64_t>(&whole[16]), get<std::uint64_t>(&whole[24]), get<std::uint32_t>(&whole[32]), {}};
  for (std::size_t at = kHeaderSize; at < whole.size(); at += kRangeSize) {
    directory.ranges.push_back({get<std::uint64_t>(&whole[at]), get<std::uint64_t>(&whole[at + 8])});
  }
  if (!is_consistent(directory)) return std::nullopt;
  return directory;
}

// How long the table behind a header is said to be, if it is a header and so much would fit into `room`.
std::optional<std::size_t> table_size(Bytes header, std::size_t room) {
  if (!std::equal(kMagic.begin(), kMagic.end(), header.begin()) || get<std::uint32_t>(&header[8]) != kVersion) {
    return std::nullopt;
  }
  const std::size_t size = kRangeSize * get<std::uint32_t>(&header[12]);
  if (size > room) return std::nullopt;
  return size;
}

std::optional<Directory> directory_at_back(Bytes file) {
  if (file.size() < kHeaderSize) return std::nullopt;
  const Bytes header = file.last(kHeaderSize);
  const auto table = table_size(header, file.size() - kHeaderSize);
  if (!table) return std::nullopt;
  auto directory = decode(header, file.last(kHeaderSize + *table).first(*table));
  if (!directory || directory->file_size() != file.size()) return std::nullopt;
  return directory;
}

std::optional<Directory> directory_at(Bytes file, std::uint64_t hdf5_end) {
  if (hdf5_end > file.size() || file.size() - hdf5_end < kHeaderSize) return std::nullopt;
  const Bytes rest = file.subspan(hdf5_end);
  const auto table = table_size(rest.first(kHeaderSize), rest.size() - kHeaderSize);
  if (!table) return std::nullopt;
  auto directory = decode(rest.first(kHeaderSize), rest.subspan(kHeaderSize, *table));
  if (!directory || directory->hdf5_end != hdf5_end) return std::nullopt;
  return directory;
}

// HDF5's superblock (version 2) states where the HDF5 file ends.
std::optional<std::uint64_t> hdf5_end_of_superblock(Bytes file) {
  constexpr std::array<std::uint8_t, 9> kSuperblock = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 2};
  constexpr std::size_t kEndAt = 28;
  if (file.size() < kEndAt + 8 || !std::equal(kSuperblock.begin(), kSuperblock.end(), file.begin())) {
    return std::nullopt;
  }
  return get<std::uint64_t>(&file[kEndAt]);
}

std::vector<std::uint8_t> gather(Bytes file, const std::vector<ByteRange>& ranges) {
  std::vector<std::uint8_t> bytes;
  for (const ByteRange& range : ranges) {
    const Bytes piece = file.subspan(range.offset, range.size);
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  return bytes;
}

bool matches(const std::vector<std::uint8_t>& bytes, std::uint32_t stated) {
  return crc32c(std::as_bytes(std::span(bytes))) == stated;
}

// Nothing where the file ends before the copy does.
std::optional<std::vector<std::uint8_t>> spare_bytes(Bytes file, const Directory& directory) {
  const std::uint64_t begin = directory.hdf5_end + directory.encoded_size();
  if (begin > file.size() || directory.byte_count > file.size() - begin) return std::nullopt;
  const Bytes bytes = file.subspan(begin, directory.byte_count);
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

}  // namespace

std::vector<std::uint8_t> encode_spare_copy(const ShardMetadata& metadata) {
  const Directory directory{metadata.hdf5_end, metadata.bytes.size(), crc32c(std::as_bytes(std::span(metadata.bytes))),
                            metadata.ranges};
  if (!is_consistent(directory)) throw InternalError("encode_spare_copy: ranges and bytes contradict each other");
  const std::vector<std::uint8_t> front = encode(directory);
  std::vector<std::uint8_t> out = front;
  out.insert(out.end(), metadata.bytes.begin(), metadata.bytes.end());
  out.insert(out.end(), front.begin() + kHeaderSize, front.end());
  out.insert(out.end(), front.begin(), front.begin() + kHeaderSize);
  return out;
}

CheckedMetadata check_metadata(Bytes file, const std::filesystem::path& path) {
  const auto back = directory_at_back(file);
  std::optional<Directory> front;
  if (back) {
    front = directory_at(file, back->hdf5_end);
  } else if (const auto end = hdf5_end_of_superblock(file)) {
    front = directory_at(file, *end);
  }
  const auto& directory = back ? back : front;
  if (directory && directory->hdf5_end <= file.size()) {
    auto original = gather(file, directory->ranges);
    auto spare = spare_bytes(file, *directory);
    const bool spare_good = spare && matches(*spare, directory->bytes_crc32c);
    if (matches(original, directory->bytes_crc32c)) {
      const bool all_good = spare_good && front && back && *front == *back;
      return {{directory->hdf5_end, directory->ranges, std::move(original)},
              all_good ? CopyState::kIntact : CopyState::kSpareDamaged};
    }
    if (spare_good) {
      return {{directory->hdf5_end, directory->ranges, std::move(*spare)}, CopyState::kOriginalDamaged};
    }
  }
  throw DataError(
      path.string() +
      ": not a whole shard: both copies of its labels and structure are damaged or absent; restore the file "
      "or make the shards again");
}

std::vector<ByteRange> ranges_outside(std::span<const ByteRange> taken, std::uint64_t end) {
  std::vector<ByteRange> outside;
  std::uint64_t at = 0;
  for (const ByteRange& range : taken) {
    if (range.offset > at) outside.push_back({at, range.offset - at});
    at = range.offset + range.size;
  }
  if (end > at) outside.push_back({at, end - at});
  return outside;
}

}  // namespace genu::pipeline
