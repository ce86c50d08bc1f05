// Reading and writing whole files. Every output appears by write-to-temporary, fsync, rename: whole or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genu {

// Throws IoError naming the file if it cannot be opened or read.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path);
std::string read_text_file(const std::filesystem::path& path);

enum class Durability {
  kFile,   // fsync the file before and its folder after the rename
  kBatch,  // rename only; the caller ends the batch with sync_filesystem()
};

// A file that appears under its name only when commit() returns. Destroying it uncommitted removes the temporary.
// The temporary lies beside the target (".NAME.tmp-PID-N"). Not thread-safe.
class AtomicFile {
 public:
  // Throws IoError if the folder is missing or not writable.
  explicit AtomicFile(std::filesystem::path path, Durability durability = Durability::kFile);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  // Where a library that wants a path of its own may write instead of write().
  const std::filesystem::path& temporary_path() const { return temporary_; }
  // Throws IoError (disk full, ...) and leaves nothing behind.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Durability durability_;
  int descriptor_ = -1;
};

void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                           Durability durability = Durability::kFile);
void write_file_atomically(const std::filesystem::path& path, std::string_view text,
                           Durability durability = Durability::kFile);

// A file under its own name at once, neither atomic nor flushed: for temporaries that the caller flushes together
// (sync_filesystem) and then renames. Throws IoError that speaks of `shown`, the name it will have.
void write_plain_file(const std::filesystem::path& path, std::span<const std::byte> bytes,
                      const std::filesystem::path& shown);
// Throws IoError.
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

// Makes a folder and its parents. Throws IoError.
void make_folders(const std::filesystem::path& path);

// Flushes everything written to the file system that holds `folder`.
void sync_filesystem(const std::filesystem::path& folder);

// Removes what interrupted AtomicFiles left under `folder` (recursively); returns how many.
std::size_t remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace genu
