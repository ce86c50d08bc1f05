// Positioned reads and writes, and files mapped for reading.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

namespace genu::pipeline {

// An open file; closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  void reset();

 private:
  int value_;
};

// `flags` as open(2) takes them. Throws IoError naming the file.
Descriptor open_file(const std::filesystem::path& path, int flags);

// Whole reads and writes; `path` names the file in messages. Throw IoError; reading past the end is an error too.
void read_at(int descriptor, std::uint64_t offset, std::span<std::uint8_t> out, const std::filesystem::path& path);
void write_at(int descriptor, std::uint64_t offset, std::span<const std::uint8_t> bytes,
              const std::filesystem::path& path);
void flush_file(int descriptor, const std::filesystem::path& path);

// A whole file mapped for reading. Safe for any number of threads.
class MappedFile {
 public:
  // Throws IoError if it cannot be opened; an empty file has no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace genu::pipeline
