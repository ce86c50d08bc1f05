// The part of the zip format that PyTorch writes: entries stored without compression, zip64 sizes included.
// PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 to 4.3.16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace genu::train {

class ZipArchive {
 public:
  // `name` begins every message. Throws DataError on a file that is truncated, compressed, encrypted, spans several
  // disks, or whose records lie outside it.
  static ZipArchive parse(std::vector<std::uint8_t> bytes, const std::string& name);

  const std::string& name() const { return name_; }
  // Contents by path; they live as long as this object.
  const std::map<std::string, std::span<const std::byte>>& entries() const { return entries_; }
  bool contains(const std::string& path) const { return entries_.contains(path); }
  // Throws DataError naming the archive and the path.
  std::span<const std::byte> entry(const std::string& path) const;

 private:
  std::string name_;
  std::vector<std::uint8_t> bytes_;
  std::map<std::string, std::span<const std::byte>> entries_;
};

bool looks_like_zip(std::span<const std::uint8_t> bytes);

}  // namespace genu::train
