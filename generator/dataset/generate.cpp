#include "generator/dataset/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/progress.h"
#include "core/run_record.h"
#include "generator/dataset/contact_sheet.h"
#include "generator/dataset/dataset_job.h"

namespace genu::generator {

namespace {

namespace fs = std::filesystem;

constexpr int kSheetColumns = 6;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Nothing, or nothing but a journal that a killed run had not yet begun to fill.
bool is_empty(const fs::path& folder, const ProgressFolder& progress) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path() != progress.path() || progress.exists()) return false;
  }
  return true;
}

std::unique_ptr<DatasetJob> make_job(const GenerateConfig& config) {
  return config.view == View::kBilateral ? make_film_job(config) : make_knee_job(config);
}

int thread_count(int wanted) {
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void remove_own_entries(const fs::path& out, const DatasetJob& job, const ProgressFolder& progress) {
  std::vector<std::string> entries = job.own_entries();
  entries.push_back(progress.path().filename().string());
  for (const std::string& entry : entries) {
    std::error_code error;
    fs::remove_all(out / entry, error);
    if (error) throw IoError((out / entry).string() + ": cannot be removed: " + error.message());
  }
}

// Key of a whole dataset's dataset.yaml.
std::string yaml_entry(const fs::path& out, const std::string& key) {
  const ConfigValue yaml = parse_yaml_file(out / "dataset.yaml");
  for (const ConfigValue::Entry& entry : yaml.map) {
    if (entry.key == key) return entry.value.scalar;
  }
  throw DataError((out / "dataset.yaml").string() + ": has no " + key + "; start again with --force");
}

bool is_same_dataset(const fs::path& out, const WorkIdentity& identity) {
  return yaml_entry(out, "config_sha256") == hash_yaml_text(identity.config_yaml) &&
         yaml_entry(out, "genu_version") == version();
}

enum class Start { kFresh, kContinue, kAlreadyWhole };

Start find_start(const fs::path& out, const DatasetJob& job, const ProgressFolder& progress,
                 const GenerateOptions& options) {
  std::error_code error;
  if (is_there(out) && !fs::is_directory(out, error)) {
    throw UsageError(out.string() + ": is not a folder; choose another --out");
  }
  if (!is_there(out) || is_empty(out, progress)) return Start::kFresh;
  if (options.existing == ExistingOutput::kReplace) {
    remove_own_entries(out, job, progress);
    return Start::kFresh;
  }
  const bool joins = options.existing == ExistingOutput::kResume || options.part.has_value();
  if (is_there(out / "dataset.yaml")) {
    if (!joins) {
      throw UsageError(out.string() + ": already holds a dataset; choose another --out or replace it with --force");
    }
    if (!is_same_dataset(out, job.identity())) {
      throw UsageError(out.string() +
                       ": holds a dataset of another config; choose another --out or replace it with --force");
    }
    return Start::kAlreadyWhole;
  }
  if (!progress.exists()) {
    throw UsageError(out.string() + ": is not empty; choose another --out or replace it with --force");
  }
  if (!joins) {
    throw UsageError(out.string() +
                     ": holds an unfinished dataset; finish it with --resume or replace it with --force");
  }
  progress.require(job.identity());
  return Start::kContinue;
}

std::string indented(const std::string& yaml) {
  std::string text;
  for (std::size_t begin = 0; begin < yaml.size();) {
    const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
    text += "  " + yaml.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return text;
}

std::string dataset_yaml(const WorkIdentity& identity, const std::string& documents) {
  return fmt::format("format: genu-dataset\nformat_version: 2\ngenu_version: \"{}\"\n", version()) + documents +
         fmt::format("config_sha256: {}\nconfig:\n", hash_yaml_text(identity.config_yaml)) +
         indented(identity.config_yaml);
}

// The documents, then dataset.yaml, then the end of the journal. Everything that dataset.yaml speaks of is on disk
// before it appears.
void finish(DatasetJob& job, const ProgressFolder& progress) {
  const fs::path& out = progress.dataset();
  remove_stale_temporaries(out);
  const std::string documents = job.write_documents(progress);
  sync_filesystem(out);
  write_file_atomically(out / "dataset.yaml", dataset_yaml(job.identity(), documents));
  progress.remove();
}

// Returns whether the dataset is whole now. Several parts may end at once: one of them finishes, the others wait.
bool finish_if_complete(DatasetJob& job, const ProgressFolder& progress) {
  const fs::path yaml = progress.dataset() / "dataset.yaml";
  try {
    if (!all_chunks_recorded(progress, job.identity())) return is_there(yaml);
    const auto lock = FileLock::hold(progress.merge_lock());
    if (!is_there(yaml)) finish(job, progress);
    return true;
  } catch (const IoError&) {
    // Another part finished and removed the journal between two of the lines above.
    if (is_there(yaml) && !progress.exists()) return true;
    throw;
  }
}

double seconds_since(const std::chrono::steady_clock::time_point& start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

GenerateResult result_of(const DatasetJob& job, const fs::path& out, std::size_t made, bool whole) {
  GenerateResult result;
  result.images = job.identity().samples;
  result.made = made;
  result.whole = whole;
  if (whole) result.manifest_sha256 = yaml_entry(out, "manifest_sha256");
  return result;
}

std::size_t write_samples(DatasetJob& job, const ProgressFolder& progress, const Part& part, int threads) {
  job.prepare(threads);
  const WorkIdentity identity = job.identity();
  ProgressBar bar(job.unit(), identity.samples / static_cast<std::size_t>(part.count), job.unit());
  return run_chunks(
      progress, identity, part, threads,
      [&](std::size_t position, std::size_t worker) { return job.make(position, worker); }, [&] { bar.advance(); });
}

// Copies one file of a part, by hard link where possible.
void bring_file(const fs::path& from, const fs::path& to) {
  make_folders(to.parent_path());
  std::error_code error;
  fs::remove(to, error);
  fs::create_hard_link(from, to, error);
  if (!error) return;
  const std::vector<std::uint8_t> bytes = read_file(from);
  write_file_atomically(to, std::as_bytes(std::span(bytes)), Durability::kBatch);
}

// Brings the chunks of one part into `progress`.
void bring_part(const ProgressFolder& part, const WorkIdentity& identity, const ProgressFolder& progress) {
  std::vector<std::pair<std::size_t, std::vector<SampleRecord>>> chunks;
  for (std::size_t chunk = 0; chunk < identity.chunks(); ++chunk) {
    if (!part.has_chunk(chunk) || progress.has_chunk(chunk)) continue;
    chunks.emplace_back(chunk, part.read_chunk(chunk, samples_in_chunk(identity, chunk)));
    for (const SampleRecord& record : chunks.back().second) {
      for (const FileRecord& file : record.files)
        bring_file(part.dataset() / file.path, progress.dataset() / file.path);
    }
    sync_filesystem(progress.dataset());
    progress.write_chunk(chunk, chunks.back().second);
    chunks.clear();
  }
}

}  // namespace

GenerateResult generate_dataset(const GenerateConfig& config, const GenerateOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<DatasetJob> job = make_job(config);
  // A config that cannot make what it asks for fails before anything is removed or written.
  job->check();
  const ProgressFolder progress(options.out);
  std::size_t made = 0;
  bool whole = true;
  switch (find_start(options.out, *job, progress, options)) {
    case Start::kAlreadyWhole:
      remove_stale_temporaries(options.out);
      progress.remove();
      break;
    case Start::kFresh:
      progress.create(job->identity());
      [[fallthrough]];
    case Start::kContinue: {
      const Part part = options.part.value_or(Part{});
      const auto lock = progress.lock_part(part);
      made = write_samples(*job, progress, part, thread_count(options.threads));
      whole = finish_if_complete(*job, progress);
    }
  }
  GenerateResult result = result_of(*job, options.out, made, whole);
  result.seconds = seconds_since(start);
  return result;
}

GenerateResult merge_parts(const std::vector<fs::path>& parts, const GenerateOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const WorkIdentity identity = ProgressFolder(parts.front()).read_identity();
  GenerateConfig config;
  read_config(config,
              parse_yaml_text(identity.config_yaml, (ProgressFolder(parts.front()).path() / "plan.yaml").string()));
  const std::unique_ptr<DatasetJob> job = make_job(config);
  for (const fs::path& part : parts) ProgressFolder(part).require(job->identity());

  GenerateOptions joining = options;
  if (joining.existing == ExistingOutput::kRefuse) joining.part = Part{};  // a killed merge goes on where it was
  const ProgressFolder progress(options.out);
  const Start begin = find_start(options.out, *job, progress, joining);
  if (begin == Start::kFresh) progress.create(job->identity());
  if (begin != Start::kAlreadyWhole) {
    const auto lock = progress.lock_part(Part{});
    for (const fs::path& part : parts) bring_part(ProgressFolder(part), identity, progress);
    for (std::size_t chunk = 0; chunk < identity.chunks(); ++chunk) {
      if (!progress.has_chunk(chunk)) {
        throw DataError(fmt::format("{}: no part holds chunk {} of {}; run the missing part, then --merge again",
                                    options.out.string(), chunk + 1, identity.chunks()));
      }
    }
    job->prepare(thread_count(options.threads));
    finish_if_complete(*job, progress);
  }
  GenerateResult result = result_of(*job, options.out, 0, true);
  result.seconds = seconds_since(start);
  return result;
}

void write_preview(const GenerateConfig& config, const fs::path& file) {
  check_config(config);
  if (config.view == View::kBilateral) throw UsageError("--preview draws single knees; set view to single");
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  const PictureOf picture_of = [&](const KneeSample& sample) {
    return render_knee(config, sample, resources, work).picture;
  };
  const std::vector<std::uint8_t> sheet = make_contact_sheet(config, picture_of, kSheetColumns);
  write_file_atomically(file, std::as_bytes(std::span(sheet)));
}

}  // namespace genu::generator
