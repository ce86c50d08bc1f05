#include "pipeline/shard/raw_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

[[noreturn]] void throw_io(const std::filesystem::path& path, const std::string& what, int error) {
  std::string remedy;
  if (error == ENOSPC || error == EDQUOT) remedy = "; free some space or choose another folder";
  if (error == EACCES || error == EPERM || error == EROFS) remedy = "; check its permissions";
  if (error == ENOENT) remedy = "; check the path";
  throw IoError(path.string() + ": " + what + ": " + std::strerror(error) + remedy);
}

}  // namespace

void Descriptor::reset() {
  if (value_ >= 0) ::close(value_);
  value_ = -1;
}

Descriptor open_file(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor < 0) throw_io(path, "cannot open", errno);
  return Descriptor(descriptor);
}

void read_at(int descriptor, std::uint64_t offset, std::span<std::uint8_t> out, const std::filesystem::path& path) {
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw_io(path, "cannot read", count == 0 ? EIO : errno);
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void write_at(int descriptor, std::uint64_t offset, std::span<const std::uint8_t> bytes,
              const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) throw_io(path, "cannot write", count == 0 ? EIO : errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void flush_file(int descriptor, const std::filesystem::path& path) {
  if (::fsync(descriptor) != 0) throw_io(path, "cannot write", errno);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file = open_file(path, O_RDONLY);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io(path, "cannot open", errno);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) throw_io(path, "cannot map", errno);
  bytes_ = {static_cast<const std::uint8_t*>(mapped), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::uint8_t*>(bytes_.data()), bytes_.size());
}

}  // namespace genu::pipeline
