#include "generator/dataset/progress_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/config.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/run_record.h"

namespace genu::generator {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPlanName = "plan.yaml";

struct PlanFile {
  std::string genu_version;
  std::uint64_t samples = 0;
  std::uint64_t chunk_samples = 1;
  std::string config;
  void list_fields(FieldList& fields) {
    fields.add("genu_version", genu_version, "program that makes the dataset");
    fields.add("samples", samples, Range<std::uint64_t>{1, std::uint64_t{1} << 40}, "samples of the whole dataset");
    fields.add("chunk_samples", chunk_samples, Range<std::uint64_t>{1, 1u << 20}, "samples a chunk");
    fields.add("config", config, "resolved config");
  }
};

int open_lock(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw IoError(path.string() + ": cannot create: " + std::strerror(errno));
  return descriptor;
}

int parse_positive(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

bool is_held(const fs::path& path) { return FileLock::try_hold(path) == nullptr; }

}  // namespace

Part parse_part(const std::string& text) {
  const std::size_t slash = text.find('/');
  Part part;
  if (slash != std::string::npos) {
    part.index = parse_positive(std::string_view(text).substr(0, slash));
    part.count = parse_positive(std::string_view(text).substr(slash + 1));
  }
  if (slash == std::string::npos || !(part.index >= 1 && part.index <= part.count && part.count <= 10000)) {
    throw UsageError("--part " + text + ": must read i/n with 1 <= i <= n <= 10000");
  }
  return part;
}

std::unique_ptr<FileLock> FileLock::try_hold(const fs::path& path) {
  const int descriptor = open_lock(path);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return std::unique_ptr<FileLock>(new FileLock(descriptor));
  const int error = errno;
  ::close(descriptor);
  if (error == EWOULDBLOCK) return nullptr;
  throw IoError(path.string() + ": cannot lock: " + std::strerror(error));
}

std::unique_ptr<FileLock> FileLock::hold(const fs::path& path) {
  const int descriptor = open_lock(path);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    ::close(descriptor);
    throw IoError(path.string() + ": cannot lock: " + std::strerror(error));
  }
  return std::unique_ptr<FileLock>(new FileLock(descriptor));
}

FileLock::~FileLock() { ::close(descriptor_); }

ProgressFolder::ProgressFolder(fs::path dataset) : dataset_(std::move(dataset)), path_(dataset_ / ".genu-progress") {}

bool ProgressFolder::exists() const {
  std::error_code error;
  return fs::exists(path_ / kPlanName, error);
}

void ProgressFolder::create(const WorkIdentity& identity) const {
  make_folders(path_);
  PlanFile plan{std::string(version()), identity.samples, identity.chunk_samples, identity.config_yaml};
  write_file_atomically(path_ / kPlanName, to_yaml(plan));
}

WorkIdentity ProgressFolder::read_identity() const {
  const fs::path file = path_ / kPlanName;
  PlanFile plan;
  try {
    read_config(plan, parse_yaml_file(file));
  } catch (const ConfigError& error) {
    throw DataError(std::string(error.what()) + "; start again with --force");
  }
  if (plan.genu_version != version()) {
    throw UsageError(
        fmt::format("{}: is being made by genu {}, this is {}; finish it with that one or start again with --force",
                    dataset_.string(), plan.genu_version, version()));
  }
  return {plan.config, plan.samples, plan.chunk_samples};
}

void ProgressFolder::require(const WorkIdentity& wanted) const {
  const WorkIdentity found = read_identity();
  if (found.config_yaml != wanted.config_yaml) {
    throw UsageError(
        dataset_.string() +
        ": is being made from another config (see .genu-progress/plan.yaml); give that one, choose another "
        "--out or start again with --force");
  }
  if (found != wanted)
    throw DataError((path_ / kPlanName).string() + ": does not fit its own config; start again with --force");
}

std::unique_ptr<FileLock> ProgressFolder::lock_part(const Part& part) const {
  const fs::path own = path_ / fmt::format("part_{}_of_{}.lock", part.index, part.count);
  auto lock = FileLock::try_hold(own);
  if (!lock)
    throw UsageError(dataset_.string() + ": another process is writing " +
                     (part.count == 1 ? "it" : fmt::format("part {}/{}", part.index, part.count)) +
                     "; wait for it to end");
  // Parts cut by another count would overlap with this one.
  std::error_code error;
  const std::string suffix = fmt::format("_of_{}.lock", part.count);
  for (const auto& entry : fs::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("part_") || !name.ends_with(".lock") || name.ends_with(suffix)) continue;
    if (is_held(entry.path())) {
      throw UsageError(dataset_.string() + ": another process is writing it in other parts (" + name +
                       "); wait for it to end");
    }
  }
  return lock;
}

fs::path ProgressFolder::chunk_record(std::size_t chunk) const {
  return path_ / fmt::format("chunk_{:06}.jsonl", chunk);
}

fs::path ProgressFolder::chunk_folder(std::size_t chunk) const { return path_ / fmt::format("chunk_{:06}.tmp", chunk); }

bool ProgressFolder::has_chunk(std::size_t chunk) const {
  std::error_code error;
  return fs::exists(chunk_record(chunk), error);
}

void ProgressFolder::write_chunk(std::size_t chunk, const std::vector<SampleRecord>& records) const {
  std::string text;
  for (const SampleRecord& record : records) {
    nlohmann::json files = nlohmann::json::array();
    for (const FileRecord& file : record.files) files.push_back({file.path, file.sha256_hex});
    text += nlohmann::json{{"files", files}, {"texts", record.texts}}.dump();
    text += '\n';
  }
  write_file_atomically(chunk_record(chunk), text);
}

std::vector<SampleRecord> ProgressFolder::read_chunk(std::size_t chunk, std::size_t expected) const {
  const fs::path file = chunk_record(chunk);
  const std::string text = read_text_file(file);
  std::vector<SampleRecord> records;
  try {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const auto line =
          nlohmann::json::parse(text.begin() + static_cast<long>(begin), text.begin() + static_cast<long>(end));
      SampleRecord record;
      for (const auto& item : line.at("files")) {
        record.files.push_back({item.at(0).get<std::string>(), item.at(1).get<std::string>()});
      }
      record.texts = line.at("texts").get<std::vector<std::string>>();
      records.push_back(std::move(record));
      begin = end + 1;
    }
  } catch (const nlohmann::json::exception&) {
    throw DataError(file.string() + ": damaged; remove it and run again with --resume");
  }
  if (records.size() != expected) {
    throw DataError(fmt::format("{}: holds {} samples, {} belong there; remove it and run again with --resume",
                                file.string(), records.size(), expected));
  }
  return records;
}

void ProgressFolder::remove() const {
  std::error_code error;
  fs::remove_all(path_, error);
  if (error) throw IoError(path_.string() + ": cannot be removed: " + error.message());
}

std::size_t samples_in_chunk(const WorkIdentity& identity, std::size_t chunk) {
  return std::min(identity.chunk_samples, identity.samples - chunk * identity.chunk_samples);
}

void for_each_sample(const ProgressFolder& progress, const WorkIdentity& identity,
                     const std::function<void(std::size_t, const SampleRecord&)>& visit) {
  for (std::size_t chunk = 0; chunk < identity.chunks(); ++chunk) {
    const auto records = progress.read_chunk(chunk, samples_in_chunk(identity, chunk));
    for (std::size_t i = 0; i < records.size(); ++i) visit(chunk * identity.chunk_samples + i, records[i]);
  }
}

}  // namespace genu::generator
