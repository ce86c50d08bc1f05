#include "train/weights/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/errors.h"

namespace genu::train {

namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEndRecord = 0x06054b50;
constexpr std::uint32_t kZip64EndRecord = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kZip64LocatorSize = 20;
constexpr std::size_t kLongestComment = 65535;
constexpr std::uint32_t kIn64Bits = 0xFFFFFFFF;  // "see the zip64 record"

// Little-endian numbers at checked places.
class Bytes {
 public:
  Bytes(std::span<const std::uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t size() const { return bytes_.size(); }
  std::span<const std::uint8_t> slice(std::uint64_t at, std::uint64_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) fail("damaged or truncated zip archive");
    return bytes_.subspan(at, count);
  }
  std::uint64_t number(std::uint64_t at, std::size_t width) const {
    const auto part = slice(at, width);
    std::uint64_t value = 0;
    for (std::size_t i = width; i-- > 0;) value = value << 8 | part[i];
    return value;
  }
  std::uint16_t u16(std::uint64_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint32_t u32(std::uint64_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t u64(std::uint64_t at) const { return number(at, 8); }
  [[noreturn]] void fail(const std::string& fault) const { throw DataError(name_ + ": " + fault); }

 private:
  std::span<const std::uint8_t> bytes_;
  const std::string& name_;
};

struct Directory {
  std::uint64_t at = 0;
  std::uint64_t count = 0;
};

Directory find_directory(const Bytes& file) {
  if (file.size() < kEndSize) file.fail("damaged or truncated zip archive");
  std::optional<std::uint64_t> end;
  const std::uint64_t lowest = file.size() > kEndSize + kLongestComment ? file.size() - kEndSize - kLongestComment : 0;
  for (std::uint64_t at = file.size() - kEndSize + 1; at-- > lowest && !end;) {
    if (file.u32(at) == kEndRecord) end = at;
  }
  if (!end) file.fail("damaged or truncated zip archive: it has no directory");
  if (*end >= kZip64LocatorSize && file.u32(*end - kZip64LocatorSize) == kZip64Locator) {
    const std::uint64_t record = file.u64(*end - kZip64LocatorSize + 8);
    if (file.u32(record) != kZip64EndRecord) file.fail("damaged or truncated zip archive");
    return {file.u64(record + 48), file.u64(record + 32)};
  }
  return {file.u32(*end + 16), file.u16(*end + 10)};
}

struct Entry {
  std::uint64_t stored_size = 0;
  std::uint64_t size = 0;
  std::uint64_t header_at = 0;
};

// Sizes that do not fit into 32 bits stand in extra field 1, in this order, where the short ones are all ones.
void read_zip64_sizes(const Bytes& file, std::uint64_t extra_at, std::uint64_t extra_size, Entry& entry) {
  for (std::uint64_t at = extra_at; at + 4 <= extra_at + extra_size;) {
    const std::uint16_t kind = file.u16(at);
    const std::uint64_t length = file.u16(at + 2);
    if (kind == 1) {
      std::uint64_t place = at + 4;
      for (std::uint64_t* value : {&entry.size, &entry.stored_size, &entry.header_at}) {
        if (*value != kIn64Bits) continue;
        *value = file.u64(place);
        place += 8;
      }
      return;
    }
    at += 4 + length;
  }
}

}  // namespace

bool looks_like_zip(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K' && bytes[2] == 3 && bytes[3] == 4;
}

ZipArchive ZipArchive::parse(std::vector<std::uint8_t> bytes, const std::string& name) {
  ZipArchive archive;
  archive.name_ = name;
  archive.bytes_ = std::move(bytes);
  const Bytes file(archive.bytes_, archive.name_);
  const Directory directory = find_directory(file);
  std::uint64_t at = directory.at;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (file.u32(at) != kCentralHeader) file.fail("damaged or truncated zip archive");
    const std::uint64_t name_size = file.u16(at + 28), extra_size = file.u16(at + 30), comment_size = file.u16(at + 32);
    const auto text = file.slice(at + 46, name_size);
    const std::string path(text.begin(), text.end());
    Entry entry{.stored_size = file.u32(at + 20), .size = file.u32(at + 24), .header_at = file.u32(at + 42)};
    read_zip64_sizes(file, at + 46 + name_size, extra_size, entry);
    if ((file.u16(at + 8) & 1) != 0) file.fail(path + " is encrypted");
    if (file.u16(at + 10) != 0 || entry.size != entry.stored_size) {
      file.fail(path + " is compressed, which torch.save never does");
    }
    if (file.u32(entry.header_at) != kLocalHeader) file.fail("damaged or truncated zip archive");
    const std::uint64_t data = entry.header_at + 30 + file.u16(entry.header_at + 26) + file.u16(entry.header_at + 28);
    if (!archive.entries_.emplace(path, std::as_bytes(file.slice(data, entry.size))).second) {
      file.fail(path + " occurs twice");
    }
    at += 46 + name_size + extra_size + comment_size;
  }
  return archive;
}

std::span<const std::byte> ZipArchive::entry(const std::string& path) const {
  const auto found = entries_.find(path);
  if (found == entries_.end()) throw DataError(fmt::format("{}: no {} in the archive", name_, path));
  return found->second;
}

}  // namespace genu::train
