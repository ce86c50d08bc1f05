#include "generator/dataset/chunked_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"

namespace genu::generator {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMostOpenChunks = 4;

struct OpenChunk {
  std::size_t number = 0;
  std::vector<SampleRecord> records;
  std::size_t left = 0;  // samples still to be made
};

// Name of a file while its chunk is under way: position within the chunk and file within the sample.
fs::path temporary_name(const fs::path& folder, std::size_t sample, std::size_t file) {
  return folder / fmt::format("{}_{}", sample, file);
}

// Every file that a recorded sample speaks of is there with its bytes.
bool is_whole(const fs::path& dataset, const SampleRecord& record) {
  return std::all_of(record.files.begin(), record.files.end(), [&](const FileRecord& file) {
    try {
      return to_hex(sha256_file(dataset / file.path)) == file.sha256_hex;
    } catch (const IoError&) {
      return false;
    }
  });
}

bool is_whole(const ProgressFolder& progress, const WorkIdentity& identity, std::size_t chunk) {
  if (!progress.has_chunk(chunk)) return false;
  try {
    const auto records = progress.read_chunk(chunk, samples_in_chunk(identity, chunk));
    return std::all_of(records.begin(), records.end(),
                       [&](const SampleRecord& record) { return is_whole(progress.dataset(), record); });
  } catch (const Error&) {
    return false;
  }
}

// The state that the workers and the committer share. A monitor: every member behind mutex_ but stop_.
class Run {
 public:
  Run(const ProgressFolder& progress, const WorkIdentity& identity, std::vector<std::size_t> chunks,
      const MakeSample& make, const std::function<void()>& done)
      : progress_(progress), identity_(identity), chunks_(std::move(chunks)), make_(make), done_(done) {}

  void work(std::size_t worker) {
    try {
      while (const auto task = take()) {
        SampleOutput output = make_(task->chunk->number * identity_.chunk_samples + task->sample, worker);
        SampleRecord record = write_temporaries(*task, output);
        finish(*task, std::move(record));
        done_();
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void commit_chunks() {
    try {
      while (const auto chunk = wait_for_full_chunk()) {
        commit(*chunk);
        close(chunk->number);
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void rethrow_failure() {
    if (!failure_) return;
    for (const std::size_t chunk : chunks_) {
      std::error_code ignored;
      fs::remove_all(progress_.chunk_folder(chunk), ignored);
    }
    std::rethrow_exception(failure_);
  }

 private:
  struct Task {
    OpenChunk* chunk = nullptr;
    std::size_t sample = 0;
  };

  // The next sample in order; waits while too many chunks are under way. Nothing when all are taken.
  std::optional<Task> take() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (failure_) return std::nullopt;
      if (taking_ != nullptr && next_sample_ < taking_->records.size()) return Task{taking_, next_sample_++};
      if (next_chunk_ == chunks_.size()) return std::nullopt;
      if (open_.size() < kMostOpenChunks) {
        open_chunk();
        continue;
      }
      changed_.wait(lock);
    }
  }

  void open_chunk() {
    const std::size_t number = chunks_[next_chunk_++];
    // What an earlier run left of this chunk is void.
    std::error_code error;
    fs::remove(progress_.chunk_record(number), error);
    fs::remove_all(progress_.chunk_folder(number), error);
    make_folders(progress_.chunk_folder(number));
    OpenChunk& chunk = open_.emplace_back();
    chunk.number = number;
    chunk.left = samples_in_chunk(identity_, number);
    chunk.records.resize(chunk.left);
    taking_ = &chunk;
    next_sample_ = 0;
  }

  SampleRecord write_temporaries(const Task& task, const SampleOutput& output) const {
    SampleRecord record;
    const fs::path folder = progress_.chunk_folder(task.chunk->number);
    for (std::size_t i = 0; i < output.files.size(); ++i) {
      const auto bytes = std::as_bytes(std::span(output.files[i].bytes));
      write_plain_file(temporary_name(folder, task.sample, i), bytes, progress_.dataset() / output.files[i].path);
      record.files.push_back({output.files[i].path, to_hex(sha256(bytes))});
    }
    record.texts = output.texts;
    return record;
  }

  void finish(const Task& task, SampleRecord record) {
    const std::lock_guard lock(mutex_);
    task.chunk->records[task.sample] = std::move(record);
    if (--task.chunk->left == 0) changed_.notify_all();
  }

  OpenChunk* wait_for_full_chunk() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (failure_ || closed_ == chunks_.size()) return nullptr;
      for (OpenChunk& chunk : open_) {
        if (chunk.left == 0) return &chunk;
      }
      changed_.wait(lock);
    }
  }

  // Flushed together, renamed, recorded: a file is whole and durable before it has its name, and named before the
  // journal speaks of it.
  void commit(const OpenChunk& chunk) {
    const fs::path folder = progress_.chunk_folder(chunk.number);
    sync_filesystem(folder);
    for (std::size_t sample = 0; sample < chunk.records.size(); ++sample) {
      const auto& files = chunk.records[sample].files;
      for (std::size_t i = 0; i < files.size(); ++i) {
        const fs::path target = progress_.dataset() / files[i].path;
        if (folders_made_.insert(target.parent_path().string()).second) make_folders(target.parent_path());
        rename_file(temporary_name(folder, sample, i), target);
      }
    }
    progress_.write_chunk(chunk.number, chunk.records);
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  void close(std::size_t number) {
    const std::lock_guard lock(mutex_);
    const auto chunk = std::find_if(open_.begin(), open_.end(), [&](const OpenChunk& c) { return c.number == number; });
    if (taking_ == &*chunk) taking_ = nullptr;
    open_.erase(chunk);
    ++closed_;
    changed_.notify_all();
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }

  const ProgressFolder& progress_;
  const WorkIdentity& identity_;
  const std::vector<std::size_t> chunks_;
  const MakeSample& make_;
  const std::function<void()>& done_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<OpenChunk> open_;
  OpenChunk* taking_ = nullptr;
  std::size_t next_sample_ = 0;
  std::size_t next_chunk_ = 0;
  std::size_t closed_ = 0;
  std::exception_ptr failure_;
  std::set<std::string> folders_made_;  // by the committer alone
};

// Chunks of the part that still have to be made.
std::vector<std::size_t> missing_chunks(const ProgressFolder& progress, const WorkIdentity& identity, const Part& part,
                                        int threads) {
  std::vector<std::size_t> own;
  for (std::size_t chunk = static_cast<std::size_t>(part.index - 1); chunk < identity.chunks();
       chunk += static_cast<std::size_t>(part.count)) {
    own.push_back(chunk);
  }
  std::vector<char> whole(own.size(), 0);
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < threads; ++i) {
    readers.emplace_back([&] {
      for (std::size_t k = next++; k < own.size(); k = next++) whole[k] = is_whole(progress, identity, own[k]) ? 1 : 0;
    });
  }
  readers.clear();
  std::vector<std::size_t> missing;
  for (std::size_t k = 0; k < own.size(); ++k) {
    if (whole[k] == 0) missing.push_back(own[k]);
  }
  return missing;
}

}  // namespace

std::size_t run_chunks(const ProgressFolder& progress, const WorkIdentity& identity, const Part& part, int threads,
                       const MakeSample& make, const std::function<void()>& done) {
  const std::vector<std::size_t> chunks = missing_chunks(progress, identity, part, threads);
  std::size_t samples = 0;
  for (const std::size_t chunk : chunks) samples += samples_in_chunk(identity, chunk);
  if (samples == 0) return 0;
  Run run(progress, identity, chunks, make, done);
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i) workers.emplace_back([&run, i] { run.work(static_cast<std::size_t>(i)); });
    const std::jthread committer([&run] { run.commit_chunks(); });
  }
  run.rethrow_failure();
  return samples;
}

bool all_chunks_recorded(const ProgressFolder& progress, const WorkIdentity& identity) {
  for (std::size_t chunk = 0; chunk < identity.chunks(); ++chunk) {
    if (!progress.has_chunk(chunk)) return false;
  }
  return true;
}

}  // namespace genu::generator
