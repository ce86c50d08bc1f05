#include "pipeline/shard/memory_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "core/errors.h"
#include "pipeline/shard/raw_file.h"

namespace genu::pipeline {

namespace {

constexpr const char* kName = "a file in memory";

}  // namespace

MemoryFile::MemoryFile() : descriptor_(::memfd_create("genu-shard", MFD_CLOEXEC)) {
  if (descriptor_ < 0) throw IoError(std::string("cannot make ") + kName + ": " + std::strerror(errno));
}

MemoryFile::~MemoryFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), fault_(std::move(other.fault_)) {}

std::uint64_t MemoryFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw IoError(std::string("cannot measure ") + kName);
  return static_cast<std::uint64_t>(status.st_size);
}

void MemoryFile::resize(std::uint64_t size) {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    throw IoError(std::string("cannot resize ") + kName + ": " + std::strerror(errno));
  }
}

void MemoryFile::write(std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  write_at(descriptor_, offset, bytes, kName);
}

void MemoryFile::note_fault(const std::string& fault) {
  if (fault_.empty()) fault_ = fault;
}

std::vector<std::uint8_t> MemoryFile::read(const ByteRange& range) const {
  std::vector<std::uint8_t> bytes(range.size);
  read_at(descriptor_, range.offset, bytes, kName);
  return bytes;
}

}  // namespace genu::pipeline
