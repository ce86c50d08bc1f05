// Single knees: images, masks, manifest, COCO, card, Croissant, contact sheet.
#include <fmt/format.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/png.h"
#include "generator/dataset/coco.h"
#include "generator/dataset/contact_sheet.h"
#include "generator/dataset/dataset_card.h"
#include "generator/dataset/dataset_job.h"
#include "generator/dataset/manifest.h"
#include "generator/dataset/statistics.h"

namespace genu::generator {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostChunkSamples = 128;
// Small sets are cut finer, so that parts share the work.
constexpr std::size_t kChunksOfASmallSet = 32;
constexpr int kSheetColumns = 6;
constexpr int kGalleryColumns = 6, kGalleryRows = 3;
// Texts of a sample's record.
enum Text : std::size_t { kManifestRow = 0, kCocoImage = 1, kCocoAnnotations = 2 };

std::vector<std::uint8_t> label_png(const Image<std::uint8_t>& labels) {
  return encode_png(PngImage{labels.width_px, labels.height_px, 1, 8, labels.pixels}, 1, PngContent::kLabels);
}

std::vector<std::uint8_t> picture_png(const Image<float>& grey, int bit_depth) {
  PngImage image{grey.width_px, grey.height_px, 1, bit_depth, {}};
  if (bit_depth == 8) {
    image.bytes = to_bytes(grey).pixels;
  } else {
    image.bytes.resize(2 * grey.pixels.size());
    for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
      const auto value = static_cast<std::uint16_t>(grey.pixels[i] * 257.0f + 0.5f);  // 255 becomes 65535
      std::memcpy(image.bytes.data() + 2 * i, &value, 2);
    }
  }
  return encode_png(image, 1);
}

class KneeJob : public DatasetJob {
 public:
  explicit KneeJob(const GenerateConfig& config) : config_(config), plan_(config) {}

  WorkIdentity identity() const override {
    const std::size_t chunk = std::clamp(plan_.size() / kChunksOfASmallSet, std::size_t{1}, kMostChunkSamples);
    return {to_yaml(config_), plan_.size(), chunk};
  }
  std::string unit() const override { return "images"; }

  std::vector<std::string> own_entries() const override {
    return {"dataset.yaml",      "manifest.csv", "annotations.json", "croissant.json", "README.md",
            "contact_sheet.png", "card",         "images",           "masks",          "clean"};
  }

  void check() const override {
    check_config(config_);
    if (plan_.size() == 0) throw ConfigError("splits: every count is 0; give one split some images");
    for (int row = 0; row < plan_.sheet_rows(); ++row) {
      for (const PlannedSample& planned : plan_.sheet_row(row, config_.pairs ? 2 : 1)) sample_knee(config_, planned);
    }
  }

  void prepare(int workers) override {
    resources_ = std::make_unique<RenderResources>(config_);
    workspaces_.clear();
    for (int i = 0; i < workers; ++i) workspaces_.push_back(std::make_unique<RenderWorkspace>(config_.image_size_px));
  }

  SampleOutput make(std::size_t position, std::size_t worker) override {
    RenderWorkspace& work = *workspaces_[worker];
    const KneeSample sample = sample_knee(config_, plan_.at(position));
    const RenderedKnee rendered = render_knee(config_, sample, *resources_, work);
    SampleOutput output;
    const auto add = [&](const char* kind, std::vector<std::uint8_t>&& bytes) {
      output.files.push_back({path_of(kind, sample), std::move(bytes)});
      return output.files.back().path;
    };
    SamplePaths paths;
    paths.image = add("images", picture_png(work.grey, config_.bit_depth));
    paths.image_sha256 = to_hex(sha256(std::as_bytes(std::span(output.files.back().bytes))));
    paths.mask = add("masks", label_png(rendered.labels));
    paths.mask_sha256 = to_hex(sha256(std::as_bytes(std::span(output.files.back().bytes))));
    if (config_.truth.noise_free) {
      Image<float> clean;
      render_noise_free(config_, sample, *resources_, work, clean);
      paths.clean = add("clean", picture_png(clean, config_.bit_depth));
    }
    std::string row = csv_line(manifest_row(config_, sample, paths));
    row.pop_back();  // its line feed
    output.texts = {std::move(row), coco_image(sample, position, paths.image), coco_annotations(sample, position)};
    return output;
  }

  std::string write_documents(const ProgressFolder& progress) override {
    const fs::path& out = progress.dataset();
    make_folders(out / "card");
    ManifestStatistics statistics;
    std::string manifest_sha256;
    // What hangs on the journal alone or on the pictures alone is made while the manifest is.
    tbb::task_arena arena(std::max(1, static_cast<int>(workspaces_.size())));
    arena.execute([&] {
      tbb::task_group rest;
      try {
        rest.run([&] { write_annotations(progress); });
        rest.run([&] {
          write_bytes(out / "contact_sheet.png", make_contact_sheet(config_, picture_of(out), kSheetColumns));
        });
        for (int row = 0; row < plan_.sheet_rows(); ++row) {
          rest.run([&, row] {
            write_bytes(out / fmt::format("card/gallery_kl{}.png", row),
                        make_gallery(config_, picture_of(out), row, kGalleryColumns, kGalleryRows));
          });
        }
        manifest_sha256 = write_manifest(progress, statistics);
        write_text(out / "README.md", dataset_card(config_, statistics));
        write_text(out / "croissant.json", croissant_json(config_, statistics, manifest_sha256));
        write_histograms(out, statistics);
      } catch (...) {
        rest.cancel();
        rest.wait();
        throw;
      }
      rest.wait();
    });
    return yaml_of(statistics, manifest_sha256);
  }

 private:
  static void write_text(const fs::path& path, const std::string& text) {
    write_file_atomically(path, text, Durability::kBatch);
  }

  static void write_bytes(const fs::path& path, const std::vector<std::uint8_t>& bytes) {
    write_file_atomically(path, std::as_bytes(std::span(bytes)), Durability::kBatch);
  }

  static std::string path_of(const char* kind, const KneeSample& sample) {
    return fmt::format("{}/{}/{}/{}.png", kind, to_string(sample.plan.split), sample.kl.value(), sample.id);
  }

  std::string write_manifest(const ProgressFolder& progress, ManifestStatistics& statistics) const {
    AtomicFile manifest(progress.dataset() / "manifest.csv", Durability::kBatch);
    Sha256 hash;
    const auto append = [&](const std::string& line) {
      manifest.write(line);
      hash.update(line);
    };
    append(csv_line(manifest_header()));
    for_each_sample(progress, identity(), [&](std::size_t, const SampleRecord& record) {
      append(record.texts.at(kManifestRow) + "\n");
      statistics.add_first_pass(record.texts.at(kManifestRow));
    });
    manifest.commit();
    for_each_sample(progress, identity(), [&](std::size_t, const SampleRecord& record) {
      statistics.add_second_pass(record.texts.at(kManifestRow));
    });
    return to_hex(hash.finish());
  }

  void write_annotations(const ProgressFolder& progress) const {
    AtomicFile coco(progress.dataset() / "annotations.json", Durability::kBatch);
    write_coco(progress, identity(), kCocoImage, kCocoAnnotations, coco);
    coco.commit();
  }

  // The picture of a sample, which is on disk already.
  PictureOf picture_of(const fs::path& out) const {
    return [out](const KneeSample& sample) {
      const fs::path file = out / path_of("images", sample);
      PngImage image = decode_png(read_file(file), file.string());
      Image<std::uint8_t> picture(image.width_px, image.height_px);
      for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
        std::uint16_t wide = 0;
        if (image.bit_depth == 16) std::memcpy(&wide, image.bytes.data() + 2 * i, 2);
        picture.pixels[i] = image.bit_depth == 16 ? static_cast<std::uint8_t>(wide >> 8) : image.bytes[i];
      }
      return picture;
    };
  }

  static void write_histograms(const fs::path& out, const ManifestStatistics& statistics) {
    Image<std::uint8_t> histograms = draw_histograms(statistics);
    write_bytes(out / "card/histograms.png",
                encode_png(PngImage{histograms.width_px, histograms.height_px, 1, 8, std::move(histograms.pixels)}, 6));
  }

  std::string yaml_of(const ManifestStatistics& statistics, const std::string& manifest_sha256) const {
    std::string text =
        fmt::format("mode: {}\nseed: {}\nimages: {}\n", config_.mode == Mode::kPhysical ? "physical" : "seed_compat",
                    config_.seed, statistics.size());
    if (config_.mode == Mode::kSeedCompat)
      text += "anatomical: false  # a published pixel ladder, not a living knee's joint space\n";
    text += "counts:\n";
    for (const Split split : kSplits) {
      text += fmt::format("  {}: [", to_string(split));
      for (int grade = 0; grade < kKlGradeCount; ++grade) {
        text += fmt::format("{}{}", grade == 0 ? "" : ", ", statistics.count(split, KlGrade(grade)));
      }
      text += "]\n";
    }
    return text + fmt::format("manifest_sha256: {}\n", manifest_sha256);
  }

  const GenerateConfig config_;
  const SamplePlan plan_;
  std::unique_ptr<RenderResources> resources_;
  std::vector<std::unique_ptr<RenderWorkspace>> workspaces_;
};

}  // namespace

std::unique_ptr<DatasetJob> make_knee_job(const GenerateConfig& config) { return std::make_unique<KneeJob>(config); }

}  // namespace genu::generator
