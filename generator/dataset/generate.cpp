#include "generator/dataset/generate.h"

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/png.h"
#include "core/progress.h"
#include "core/run_record.h"
#include "generator/dataset/contact_sheet.h"
#include "generator/dataset/dataset_card.h"
#include "generator/dataset/manifest.h"

namespace genu::generator {

namespace {

namespace fs = std::filesystem;

constexpr int kSheetColumns = 6;
// Samples in flight between two appends to the manifest.
constexpr std::size_t kChunk = 256;
// dataset.yaml goes first: without it a half-removed folder cannot pass for a whole one.
constexpr std::array<const char*, 6> kOwnEntries = {"dataset.yaml",      "manifest.csv", "README.md",
                                                    "contact_sheet.png", "images",       "masks"};

bool has_entries(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder, error) && !(fs::is_directory(folder, error) && fs::is_empty(folder, error));
}

void prepare_folder(const fs::path& out, ExistingOutput existing) {
  std::error_code error;
  if (fs::exists(out, error) && !fs::is_directory(out, error)) {
    throw UsageError(out.string() + ": is not a folder; choose another --out");
  }
  if (has_entries(out)) {
    if (existing == ExistingOutput::kRefuse) {
      const bool whole = fs::exists(out / "dataset.yaml", error);
      throw UsageError(out.string() + (whole ? ": already holds a dataset" : ": is not empty") +
                       "; choose another --out or replace it with --force");
    }
    for (const char* entry : kOwnEntries) {
      fs::remove_all(out / entry, error);
      if (error) throw IoError((out / entry).string() + ": cannot be removed: " + error.message());
    }
  }
  make_folders(out);
}

std::string relative_path(const char* kind, const KneeSample& sample) {
  return fmt::format("{}/{}/{}/{}.png", kind, to_string(sample.plan.split), sample.plan.grade.value(), sample.id);
}

void make_tree(const fs::path& out, const SamplePlan& plan) {
  for (const Split split : {Split::kTrain, Split::kTest, Split::kSample}) {
    if (plan.per_grade(split) == 0) continue;
    for (int grade = 0; grade < kKlGradeCount; ++grade) {
      for (const char* kind : {"images", "masks"}) {
        make_folders(out / kind / std::string(to_string(split)) / std::to_string(grade));
      }
    }
  }
}

// Writes an 8-bit plane and returns its file's SHA-256.
std::string write_plane(Image<std::uint8_t>&& plane, const fs::path& path) {
  const PngImage image{plane.width_px, plane.height_px, 1, 8, std::move(plane.pixels)};
  const std::vector<std::uint8_t> bytes = encode_png(image, 1);
  const auto span = std::as_bytes(std::span(bytes));
  write_file_atomically(path, span, Durability::kBatch);
  return to_hex(sha256(span));
}

struct FinishedSample {
  KneeSample sample;
  std::string image_path;
  std::string sha256_hex;
};

FinishedSample make_sample(const GenerateConfig& config, const PlannedSample& planned, const RenderResources& resources,
                           const fs::path& out, RenderWorkspace& work) {
  FinishedSample done;
  done.sample = sample_knee(config, planned);
  RenderedKnee rendered = render_knee(config, done.sample, resources, work);
  done.image_path = relative_path("images", done.sample);
  done.sha256_hex = write_plane(std::move(rendered.picture), out / done.image_path);
  write_plane(std::move(rendered.labels), out / relative_path("masks", done.sample));
  return done;
}

// Renders in parallel chunk by chunk; rows are appended in plan order.
DatasetSummary write_samples(const GenerateConfig& config, const SamplePlan& plan, const RenderResources& resources,
                             const GenerateOptions& options, AtomicFile& manifest, Sha256& manifest_hash) {
  const auto append = [&](const std::vector<std::string>& cells) {
    const std::string line = csv_line(cells);
    manifest.write(line);
    manifest_hash.update(line);
  };
  append(manifest_columns());
  DatasetSummary summary;
  ProgressBar progress("images", plan.size(), "images");
  const int threads =
      options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  // Lets a run ask for more threads than the machine has cores.
  const tbb::global_control most(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads));
  tbb::task_arena arena(threads);
  tbb::enumerable_thread_specific<RenderWorkspace> workspaces([&] { return RenderWorkspace(config.image_size_px); });
  std::vector<FinishedSample> finished;
  for (std::size_t begin = 0; begin < plan.size(); begin += kChunk) {
    const std::size_t count = std::min(kChunk, plan.size() - begin);
    finished.assign(count, {});
    arena.execute([&] {
      tbb::parallel_for(std::size_t{0}, count, [&](std::size_t i) {
        finished[i] = make_sample(config, plan.at(begin + i), resources, options.out, workspaces.local());
        progress.advance();
      });
    });
    for (const FinishedSample& done : finished) {
      append(manifest_row(done.sample, done.image_path, done.sha256_hex));
      summary.add(done.sample);
    }
  }
  return summary;
}

std::string dataset_yaml(const GenerateConfig& config, const DatasetSummary& summary,
                         const std::string& manifest_sha256) {
  std::string text =
      fmt::format("format: genu-dataset\nformat_version: 1\ngenu_version: \"{}\"\nseed: {}\nimages: {}\n", version(),
                  config.seed, summary.size());
  text += "counts:\n";
  for (const Split split : {Split::kTrain, Split::kTest, Split::kSample}) {
    text += fmt::format("  {}: [", to_string(split));
    for (int grade = 0; grade < kKlGradeCount; ++grade) {
      text += fmt::format("{}{}", grade == 0 ? "" : ", ", summary.count(split, KlGrade(grade)));
    }
    text += "]\n";
  }
  text += fmt::format("manifest_sha256: {}\nconfig_sha256: {}\nconfig:\n", manifest_sha256, config_hash(config));
  const std::string yaml = to_yaml(config);
  for (std::size_t begin = 0; begin < yaml.size();) {
    const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
    text += "  " + yaml.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return text;
}

}  // namespace

GenerateResult generate_dataset(const GenerateConfig& config, const GenerateOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const SamplePlan plan(config.splits);
  if (plan.size() == 0) throw ConfigError("splits: every count is 0; give one split some images");
  // A config that cannot make one knee of each grade fails before anything is removed or written.
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    sample_knee(config, planned_sample(Split::kTrain, KlGrade(grade), 0));
  }
  prepare_folder(options.out, options.existing);
  make_tree(options.out, plan);

  const RenderResources resources(config);
  GenerateResult result;
  AtomicFile manifest(options.out / "manifest.csv");
  Sha256 manifest_hash;
  const DatasetSummary summary = write_samples(config, plan, resources, options, manifest, manifest_hash);
  result.manifest_sha256 = to_hex(manifest_hash.finish());
  write_file_atomically(options.out / "README.md", summary.card(config), Durability::kBatch);
  const std::vector<std::uint8_t> sheet = make_contact_sheet(config, resources, kSheetColumns);
  write_file_atomically(options.out / "contact_sheet.png", std::as_bytes(std::span(sheet)), Durability::kBatch);
  // Everything the two files below speak of is on disk before they appear.
  sync_filesystem(options.out);
  manifest.commit();
  write_file_atomically(options.out / "dataset.yaml", dataset_yaml(config, summary, result.manifest_sha256));
  result.images = summary.size();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

void write_preview(const GenerateConfig& config, const fs::path& file) {
  const RenderResources resources(config);
  const std::vector<std::uint8_t> sheet = make_contact_sheet(config, resources, kSheetColumns);
  write_file_atomically(file, std::as_bytes(std::span(sheet)));
}

}  // namespace genu::generator
