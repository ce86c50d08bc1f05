// The journal of a dataset that is being written: OUT/.genu-progress, gone when the dataset is whole.
//
//   plan.yaml             what is being made: versions, number of samples, samples a chunk, the whole config
//   chunk_000012.jsonl    one line a sample of a finished chunk: its files with their hashes, and what they say of it
//   chunk_000012.tmp/     files of a chunk on its way; never visible under their own names before they are on disk
//   part_1_of_2.lock      held (flock) by the process that writes that part
//
// A chunk is finished when its .jsonl exists; that file appears only after every file of the chunk is durable and under
// its own name. What a killed run leaves is therefore finished chunks, and .tmp folders that may be thrown away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace genu::generator {

// What one run is asked to write: every `count`-th chunk, from the `index`-th (1-based). 1/1 is everything.
struct Part {
  int index = 1;
  int count = 1;
  bool operator==(const Part&) const = default;
};
// "2/5". Throws UsageError unless 1 <= index <= count <= 10,000.
Part parse_part(const std::string& text);

// What decides the bytes; two runs may work on one folder only if these agree.
struct WorkIdentity {
  std::string config_yaml;  // resolved
  std::size_t samples = 0;
  std::size_t chunk_samples = 0;
  bool operator==(const WorkIdentity&) const = default;
  std::size_t chunks() const { return (samples + chunk_samples - 1) / chunk_samples; }
};

struct FileRecord {
  std::string path;  // relative to the dataset folder
  std::string sha256_hex;
  bool operator==(const FileRecord&) const = default;
};

// What is kept of one sample: its files, and one text for each document that the finished dataset is made of.
struct SampleRecord {
  std::vector<FileRecord> files;
  std::vector<std::string> texts;
  bool operator==(const SampleRecord&) const = default;
};

// Holds an flock until destroyed. Not copyable.
class FileLock {
 public:
  // Throws IoError if the file cannot be made; returns nothing where another process holds it.
  static std::unique_ptr<FileLock> try_hold(const std::filesystem::path& path);
  // Waits for it.
  static std::unique_ptr<FileLock> hold(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

class ProgressFolder {
 public:
  // Nothing is read or written yet.
  explicit ProgressFolder(std::filesystem::path dataset);

  const std::filesystem::path& dataset() const { return dataset_; }
  const std::filesystem::path& path() const { return path_; }
  bool exists() const;
  // Makes the folder and plan.yaml. Safe when several parts do so at once. Throws IoError.
  void create(const WorkIdentity& identity) const;
  // Throws DataError if plan.yaml is damaged, IoError if it is missing.
  WorkIdentity read_identity() const;
  // Throws UsageError in one line if the folder is being made by another config or version, or in other chunks.
  void require(const WorkIdentity& wanted) const;

  // The lock of one part; throws UsageError if another process works on that part, or cuts the same folder differently.
  std::unique_ptr<FileLock> lock_part(const Part& part) const;
  std::filesystem::path merge_lock() const { return path_ / "merge.lock"; }

  std::filesystem::path chunk_record(std::size_t chunk) const;
  std::filesystem::path chunk_folder(std::size_t chunk) const;
  bool has_chunk(std::size_t chunk) const;
  // Atomic and durable.
  void write_chunk(std::size_t chunk, const std::vector<SampleRecord>& records) const;
  // Throws DataError naming the record if it is damaged or holds another number of samples than `expected`.
  std::vector<SampleRecord> read_chunk(std::size_t chunk, std::size_t expected) const;

  // Removes the journal; the last act of a run.
  void remove() const;

 private:
  std::filesystem::path dataset_;
  std::filesystem::path path_;
};

// Samples of one chunk.
std::size_t samples_in_chunk(const WorkIdentity& identity, std::size_t chunk);
// Calls `visit` for every sample of the dataset in order. Throws as read_chunk(). Holds one chunk in memory.
void for_each_sample(const ProgressFolder& progress, const WorkIdentity& identity,
                     const std::function<void(std::size_t position, const SampleRecord&)>& visit);

}  // namespace genu::generator
