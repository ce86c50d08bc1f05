#include "core/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/errors.h"

namespace genu {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throw_io(const std::string& what, const fs::path& path, int error) {
  std::string remedy;
  if (error == ENOSPC || error == EDQUOT) remedy = "; free some space or choose another folder";
  if (error == EACCES || error == EPERM || error == EROFS) remedy = "; check its permissions";
  if (error == ENOENT) remedy = "; check the path";
  throw IoError(path.string() + ": " + what + ": " + std::strerror(error) + remedy);
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

template <class Buffer>
Buffer read_whole(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw_io("cannot open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_io("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) throw IoError(path.string() + ": is a folder, a file is needed");
  Buffer buffer;
  buffer.resize(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (true) {
    if (done == buffer.size()) buffer.resize(buffer.size() + 4096);  // grows only if the size was not the truth
    const ssize_t count = ::read(file.get(), buffer.data() + done, buffer.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_io("cannot read", path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  buffer.resize(done);
  return buffer;
}

constexpr std::string_view kTemporaryMark = ".tmp-";

}  // namespace

std::vector<std::uint8_t> read_file(const fs::path& path) { return read_whole<std::vector<std::uint8_t>>(path); }

std::string read_text_file(const fs::path& path) { return read_whole<std::string>(path); }

AtomicFile::AtomicFile(fs::path path, Durability durability) : path_(std::move(path)), durability_(durability) {
  static std::atomic<unsigned> counter{0};
  const std::string name = "." + path_.filename().string() + std::string(kTemporaryMark) + std::to_string(::getpid()) +
                           "-" + std::to_string(counter++);
  temporary_ = path_.parent_path() / name;
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_io("cannot create", path_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_io("cannot write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  if (descriptor_ < 0) throw InternalError(path_.string() + ": committed twice");
  if (durability_ == Durability::kFile && ::fsync(descriptor_) != 0) throw_io("cannot write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_io("cannot rename into place", path_, errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) throw_io("cannot close", path_, errno);
  if (durability_ == Durability::kFile) {
    const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) throw_io("cannot flush the folder of", path_, errno);
  }
}

void write_file_atomically(const fs::path& path, std::span<const std::byte> bytes, Durability durability) {
  AtomicFile file(path, durability);
  file.write(bytes);
  file.commit();
}

void write_file_atomically(const fs::path& path, std::string_view text, Durability durability) {
  write_file_atomically(path, std::as_bytes(std::span(text.data(), text.size())), durability);
}

void write_plain_file(const fs::path& path, std::span<const std::byte> bytes, const fs::path& shown) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) throw_io("cannot create", shown, errno);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      ::close(descriptor);
      throw_io("cannot write", shown, error);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (::close(descriptor) != 0) throw_io("cannot write", shown, errno);
}

void rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) throw_io("cannot rename into place", to, errno);
}

void make_folders(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw_io("cannot create the folder", path, error.value());
}

void sync_filesystem(const fs::path& folder) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::syncfs(directory.get()) != 0) throw_io("cannot flush", folder, errno);
}

std::size_t remove_stale_temporaries(const fs::path& folder) {
  std::size_t removed = 0;
  std::error_code error;
  std::vector<fs::path> stale;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (it->is_regular_file(error) && name.starts_with(".") && name.find(kTemporaryMark) != std::string::npos) {
      stale.push_back(it->path());
    }
  }
  for (const fs::path& path : stale) removed += fs::remove(path, error) ? 1u : 0u;
  return removed;
}

}  // namespace genu
