// A nameless file that lives in memory (Linux memfd). Pages that were never written take no memory, so the hole where
// pixels belong costs nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace genu::pipeline {

// A stretch of a file.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool operator==(const ByteRange&) const = default;
};

// Not thread-safe.
class MemoryFile {
 public:
  // Throws IoError if the system gives none.
  MemoryFile();
  ~MemoryFile();
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::uint64_t size() const;
  void resize(std::uint64_t size);
  void write(std::uint64_t offset, std::span<const std::uint8_t> bytes);
  // Throws IoError where the range passes the end.
  std::vector<std::uint8_t> read(const ByteRange& range) const;

  // The first fault noted by one who could not throw it; "" if none.
  const std::string& fault() const { return fault_; }
  void note_fault(const std::string& fault);

 private:
  int descriptor_;
  std::string fault_;
};

}  // namespace genu::pipeline
