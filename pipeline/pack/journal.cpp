#include "pipeline/pack/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/errors.h"
#include "core/files.h"

namespace genu::pipeline {

namespace {

constexpr std::array<char, 8> kMagic = {'G', 'E', 'N', 'U', 'J', 'R', 'N', '2'};
constexpr std::size_t kHashDigits = 64;

// A journal never leaves the machine that wrote it, so plain structs go as they lie in memory.
class Encoder {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto* begin = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof value);
  }
  void put_text(const std::string& text) {
    put(static_cast<std::uint32_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Once anything is missing, everything read is zero and is_whole() false.
class Decoder {
 public:
  explicit Decoder(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (take(sizeof value)) std::memcpy(&value, taken_.data(), sizeof value);
    return value;
  }
  std::string get_text() {
    const auto size = get<std::uint32_t>();
    if (!take(size)) return {};
    return {taken_.begin(), taken_.end()};
  }
  bool is_whole() const { return whole_; }
  std::size_t left() const { return left_.size(); }

 private:
  bool take(std::size_t size) {
    whole_ = whole_ && size <= left_.size();
    if (!whole_) return false;
    taken_ = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  std::span<const std::uint8_t> left_;
  std::span<const std::uint8_t> taken_;
  bool whole_ = true;
};

std::vector<std::uint8_t> encode(const PackedSample& sample) {
  Encoder out;
  out.put(sample.stamp);
  out.put_text(sample.fault);
  out.put(sample.sha256);
  out.put(sample.fingerprint);
  out.put(sample.grey_sum);
  out.put(sample.grey_square_sum);
  out.put(static_cast<std::uint8_t>((sample.was_negative ? 1 : 0) | (sample.was_mirrored ? 2 : 0) |
                                    (sample.was_coloured ? 4 : 0)));
  out.put(static_cast<std::uint32_t>(sample.rows.size()));
  for (const StoredRow& row : sample.rows) out.put(row);
  return out.bytes();
}

std::optional<PackedSample> decode(std::span<const std::uint8_t> bytes) {
  Decoder in(bytes);
  PackedSample sample;
  sample.stamp = in.get<FileStamp>();
  sample.fault = in.get_text();
  sample.sha256 = in.get<Sha256Digest>();
  sample.fingerprint = in.get<ImageFingerprint>();
  sample.grey_sum = in.get<std::uint64_t>();
  sample.grey_square_sum = in.get<std::uint64_t>();
  const auto flags = in.get<std::uint8_t>();
  sample.was_negative = (flags & 1) != 0;
  sample.was_mirrored = (flags & 2) != 0;
  sample.was_coloured = (flags & 4) != 0;
  const auto rows = in.get<std::uint32_t>();
  if (in.left() != rows * sizeof(StoredRow)) return std::nullopt;
  for (std::uint32_t i = 0; i < rows; ++i) sample.rows.push_back(in.get<StoredRow>());
  if (!in.is_whole()) return std::nullopt;
  return sample;
}

// Length, checksum, then the bytes themselves.
void put_framed(std::span<const std::uint8_t> payload, std::vector<std::uint8_t>& out) {
  Encoder frame;
  frame.put(static_cast<std::uint32_t>(payload.size()));
  frame.put(crc32c(std::as_bytes(payload)));
  out.insert(out.end(), frame.bytes().begin(), frame.bytes().end());
  out.insert(out.end(), payload.begin(), payload.end());
}

constexpr std::size_t kFrameSize = 8;

// The payload at the beginning of `bytes`, if it is whole.
std::optional<std::span<const std::uint8_t>> framed(std::span<const std::uint8_t> bytes) {
  Decoder in(bytes);
  const auto size = in.get<std::uint32_t>();
  const auto crc = in.get<std::uint32_t>();
  if (!in.is_whole() || size > in.left()) return std::nullopt;
  const auto payload = bytes.subspan(kFrameSize, size);
  if (crc32c(std::as_bytes(payload)) != crc) return std::nullopt;
  return payload;
}

std::optional<JournalHeader> decode_header(std::span<const std::uint8_t> payload) {
  Decoder in(payload);
  const auto magic = in.get<std::array<char, 8>>();
  JournalHeader header;
  header.job_hash = in.get_text();
  header.first = in.get<std::uint64_t>();
  header.count = in.get<std::uint64_t>();
  if (!in.is_whole() || magic != kMagic || header.job_hash.size() != kHashDigits) return std::nullopt;
  return header;
}

}  // namespace

FileStamp file_stamp(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {static_cast<std::uint64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000000000 + status.st_mtim.tv_nsec};
}

std::optional<JournalContents> read_journal(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto file = read_file(path);
  const std::span<const std::uint8_t> bytes(file);
  const auto first = framed(bytes);
  const auto header = first ? decode_header(*first) : std::nullopt;
  if (!header) return std::nullopt;
  JournalContents contents{*header, {}, {}, kFrameSize + first->size()};
  std::uint64_t at = contents.header_end;
  while (const auto payload = framed(bytes.subspan(at))) {
    auto sample = decode(*payload);
    if (!sample || contents.samples.size() == header->count) break;
    at += kFrameSize + payload->size();
    contents.samples.push_back(std::move(*sample));
    contents.ends.push_back(at);
  }
  return contents;
}

Journal::Journal(std::filesystem::path path, const JournalHeader& header)
    : path_(std::move(path)), file_(open_file(path_, O_RDWR | O_CREAT)) {
  if (::ftruncate(file_.get(), 0) != 0) throw IoError(path_.string() + ": cannot empty: " + std::strerror(errno));
  Encoder out;
  out.put(kMagic);
  out.put_text(header.job_hash);
  out.put(header.first);
  out.put(header.count);
  std::vector<std::uint8_t> bytes;
  put_framed(out.bytes(), bytes);
  write_at(file_.get(), 0, bytes, path_);
  end_ = bytes.size();
}

Journal::Journal(std::filesystem::path path, std::uint64_t byte_count)
    : path_(std::move(path)), file_(open_file(path_, O_RDWR | O_CREAT)), end_(byte_count) {
  if (::ftruncate(file_.get(), static_cast<off_t>(byte_count)) != 0) {
    throw IoError(path_.string() + ": cannot cut: " + std::strerror(errno));
  }
}

void Journal::append(std::span<const PackedSample> samples) {
  std::vector<std::uint8_t> bytes;
  for (const PackedSample& sample : samples) put_framed(encode(sample), bytes);
  write_at(file_.get(), end_, bytes, path_);
  end_ += bytes.size();
}

}  // namespace genu::pipeline
