// genu explain: Grad-CAM of image files, of a split of shards or of a synthetic dataset, there with its score against
// the label maps.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "cli/checkpoint_options.h"
#include "cli/commands.h"
#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/run_record.h"
#include "pipeline/loader/shard_set.h"
#include "train/explain/overlay.h"
#include "train/explain/region_table.h"
#include "train/loop/grader.h"
#include "train/loop/tensor_runtime.h"
#include "train/loop/test_touches.h"
#include "train/metrics/prediction.h"
#ifdef GENU_WITH_IMAGES
#include "cli/knee_files.h"
#endif

namespace genu::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  CommonOptions common;
  std::string checkpoint;
  std::vector<std::string> files;
  std::string side = "auto";
  std::string shards;
  std::string dataset;
  std::string split = "val";
  std::string grade = "auto";
  std::string block;
  std::string out;
  int limit = 0;
  int overlays = 0;
  int batch_size = 16;
  int threads = 0;
  std::string device = "auto";
  bool strict = false;
  bool anyway = false;
};

void describe(CLI::App& app, Options& options) {
  add_output_options(app, options.common);
  add_checkpoint_option(app, options.checkpoint);
  app.add_option("--shards", options.shards, "explain a split of these shards")->type_name("DIR");
  app.add_option("--dataset", options.dataset, "explain a split of this synthetic dataset and compare with its masks")
      ->type_name("DIR");
  app.add_option("--split", options.split, "of the shards or the dataset: train, val, test or sample")
      ->capture_default_str();
  app.add_option("--grade", options.grade,
                 "what to explain: a grade 0-4, predicted, expected (what speaks for a higher grade), or auto = "
                 "predicted, with an ordinal head expected")
      ->capture_default_str();
  app.add_option("--block", options.block, "feature block whose maps are weighed; none = the last");
  app.add_option("--out", options.out, "folder for explanations.csv, overlays and, with --dataset, regions.csv")
      ->type_name("DIR")
      ->required();
  app.add_option("--limit", options.limit, "explain N knees only, grades in turn")->check(CLI::Range(1, 1 << 30));
  app.add_option("--overlays", options.overlays, "write the overlays of the first N knees only; 0 = of all")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--batch", options.batch_size, "knees at once; changes memory and speed only")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--side", options.side,
                 "knee in image files: left, right, unknown, or auto = from names such as 9001400R.png")
      ->check(CLI::IsMember({"auto", "left", "right", "unknown"}))
      ->capture_default_str();
  add_device_option(app, options.device);
  app.add_option("--threads", options.threads, "processor threads, 0 = all")->check(CLI::Range(0, 1024));
  app.add_flag("--strict", options.strict, "stop at the first knee that cannot be explained");
  add_anyway_option(app, options.anyway);
  app.add_option("FILE", options.files, "PNG, JPEG, BMP, TIFF or DICOM images of one knee each");
}

train::ExplainOptions explain_options(const Options& options) {
  using Target = train::ExplainOptions::Target;
  train::ExplainOptions out;
  out.block = options.block;
  if (options.grade == "predicted") {
    out.target = Target::kPredicted;
  } else if (options.grade == "expected") {
    out.target = Target::kExpected;
  } else if (options.grade != "auto") {
    const auto grade = parse_kl_grade(options.grade);
    if (!grade) throw UsageError("--grade: '" + options.grade + "' is no grade 0-4, predicted, expected or auto");
    out.target = Target::kGrade;
    out.grade = grade->value();
  }
  return out;
}

// Grey levels as a checkpoint takes them.
struct Picture {
  int height_px = 0;
  int width_px = 0;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;  // of each pixel; empty where they are not known
};

// A knee to be explained, and how its picture is got when its turn comes.
struct Knee {
  std::string id;
  std::optional<KlGrade> kl;
  std::function<Picture()> load;
};

// The first `limit`, one of each grade in turn, in the order given; all where it is 0.
std::vector<Knee> limited(std::vector<Knee> knees, int limit) {
  if (limit == 0 || knees.size() <= static_cast<std::size_t>(limit)) return knees;
  std::array<std::size_t, kKlGradeCount + 1> seen{};
  std::vector<std::pair<std::size_t, std::size_t>> turns;  // turn, position
  for (std::size_t i = 0; i < knees.size(); ++i) {
    const auto grade = static_cast<std::size_t>(knees[i].kl ? knees[i].kl->value() : kKlGradeCount);
    turns.emplace_back(seen[grade]++, i);
  }
  std::stable_sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  turns.resize(static_cast<std::size_t>(limit));
  std::sort(turns.begin(), turns.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<Knee> kept;
  for (const auto& [turn, position] : turns) kept.push_back(std::move(knees[position]));
  return kept;
}

pipeline::Split chosen_split(const Options& options) {
  const auto split = pipeline::parse_split(options.split);
  if (!split) throw UsageError("--split: '" + options.split + "' is not train, val, test or sample");
  return *split;
}

std::vector<Knee> knees_of_shards(const std::shared_ptr<const pipeline::ShardSet>& shards, const Options& options) {
  std::vector<Knee> knees;
  for (const std::size_t i : shards->select({.split = chosen_split(options), .source = {}, .variants = {}})) {
    knees.push_back({shards->record(i).sample_id, shards->record(i).kl, [shards, i] {
                       return Picture{shards->height_px(), shards->width_px(), shards->copy_pixels(i), {}};
                     }});
  }
  if (knees.empty()) throw DataError(options.shards + ": split '" + options.split + "' is empty; name another");
  return knees;
}

#ifdef GENU_WITH_IMAGES

Picture picture_of(const pipeline::PreparedImage& prepared) {
  return {prepared.height_px, prepared.width_px, prepared.pixels, {}};
}

std::vector<Knee> knees_of_files(const train::Grader& grader, const Options& options) {
  const auto preprocess = preprocess_of(grader.config(), (grader.folder() / "grader.yaml").string());
  std::vector<Knee> knees;
  for (const std::string& file : options.files) {
    knees.push_back({file, std::nullopt, [file, preprocess, side = side_of(file, options.side)] {
                       return picture_of(pipeline::prepare_image(pipeline::decode_image_file(file), side, preprocess));
                     }});
  }
  return knees;
}

std::vector<Knee> knees_of_dataset(const train::Grader& grader, const Options& options) {
  const auto preprocess = preprocess_of(grader.config(), (grader.folder() / "grader.yaml").string());
  const fs::path folder = options.dataset;
  const std::string split(pipeline::to_string(chosen_split(options)));
  const CsvTable table = CsvTable::read(folder / "manifest.csv");
  const std::size_t path = table.column("path"), mask = table.column("mask_path"), id = table.column("id"),
                    kl = table.column("kl"), side = table.column("side"), part = table.column("split");
  std::vector<Knee> knees;
  for (std::size_t row = 0; row < table.size(); ++row) {
    if (table.cell(row, part) != split) continue;
    if (table.cell(row, mask).empty()) {
      throw DataError(table.place(row) + ": no mask; explain a set that genu generate made, whole");
    }
    knees.push_back({table.cell(row, id), KlGrade(table.integer(row, kl, 0, kKlGradeCount - 1)),
                     [image = folder / table.cell(row, path), labels = folder / table.cell(row, mask),
                      knee = parse_knee_side(table.cell(row, side)), preprocess] {
                       Picture picture =
                           picture_of(pipeline::prepare_image(pipeline::decode_image_file(image), knee, preprocess));
                       picture.labels = pipeline::prepare_labels(pipeline::decode_image_file(labels), knee, preprocess);
                       return picture;
                     }});
  }
  if (knees.empty()) throw DataError(options.dataset + ": split '" + split + "' is empty; name another");
  return knees;
}

#else

std::vector<Knee> knees_of_files(const train::Grader&, const Options&) {
  throw UsageError("this build cannot read images; configure with -DGENU_IMAGES=ON and build again");
}
std::vector<Knee> knees_of_dataset(const train::Grader& grader, const Options& options) {
  return knees_of_files(grader, options);
}

#endif

// What has been explained so far, and where it goes.
class Results {
 public:
  Results(const Options& options, const train::GraderConfig& config) : options_(options), out_(options.out) {
    std::vector<std::string> header = {"id", "kl", "predicted"};
    for (int grade = 0; grade < config.class_count; ++grade) header.push_back(fmt::format("p{}", grade));
    header.insert(header.end(), {"target", "overlay"});
    if (!options.dataset.empty()) {
      for (const std::string& name : train::RegionTable::columns()) header.push_back(name);
    }
    csv_ = csv_line(header);
    if (fs::exists(out_ / "explanations.csv")) {
      throw UsageError(options.out + ": holds explanations already; choose another --out or remove it");
    }
    make_folders(out_ / "overlays");
  }

  void add(const Knee& knee, const Picture& picture, const train::Explanation& explained) {
    train::Prediction prediction;
    prediction.probabilities = explained.probabilities;
    std::vector<std::string> cells = {knee.id, knee.kl ? std::to_string(knee.kl->value()) : "",
                                      std::to_string(prediction.predicted())};
    for (const double p : explained.probabilities) cells.push_back(fmt::format("{:.6f}", p));
    cells.push_back(explained.target);
    cells.push_back(write_overlay(knee, picture, explained, prediction.predicted()));
    if (!picture.labels.empty()) {
      const train::RegionShares shares = train::region_shares(explained.map, picture.labels);
      for (std::string& cell : train::RegionTable::cells(shares)) cells.push_back(std::move(cell));
      table_.add(knee.kl->value(), shares);
    }
    csv_ += csv_line(cells);
    ++count_;
  }

  // The table comes last: where it is, the pictures that it names are.
  void write() const {
    if (!sheet_.empty()) {
      std::vector<std::vector<PngImage>> rows;
      for (const auto& [grade, pictures] : sheet_) rows.push_back(pictures);
      write_png(out_ / "sheet.png", train::tile(rows));
    }
    sync_filesystem(out_);
    write_file_atomically(out_ / "explanations.csv", csv_);
    if (!options_.dataset.empty()) write_file_atomically(out_ / "regions.csv", table_.csv());
  }

  void print() const {
    if (options_.common.json) {
      nlohmann::ordered_json json = {{"out", options_.out}, {"explained", count_}};
      if (!options_.dataset.empty()) json["regions"] = table_.json();
      std::puts(json.dump().c_str());
      return;
    }
    if (!options_.dataset.empty()) std::fputs(table_.text().c_str(), stdout);
    std::puts(fmt::format("{}: {} knees explained", options_.out, count_).c_str());
  }

 private:
  static void write_png(const fs::path& path, const PngImage& image) {
    const auto bytes = encode_png(image, 6);
    write_file_atomically(path, std::as_bytes(std::span(bytes)), Durability::kBatch);
  }

  // Returns its name under the output folder, "" where none was asked for.
  std::string write_overlay(const Knee& knee, const Picture& picture, const train::Explanation& explained,
                            int predicted) {
    if (options_.overlays > 0 && count_ >= options_.overlays) return "";
    const PngImage image = train::overlay({picture.pixels.data(), picture.height_px, picture.width_px}, explained.map);
    const std::string stem = fs::path(knee.id).stem().string();
    std::string name = stem;
    for (int k = 2; !names_.insert(name).second; ++k) name = fmt::format("{}_{}", stem, k);
    name = "overlays/" + name + ".png";
    write_png(out_ / name, image);
    constexpr std::size_t kSheetColumns = 8;
    auto& row = sheet_[knee.kl ? knee.kl->value() : predicted];
    if (row.size() < kSheetColumns) row.push_back(image);
    return name;
  }

  const Options& options_;
  fs::path out_;
  std::string csv_;
  std::set<std::string> names_;
  std::map<int, std::vector<PngImage>> sheet_;  // grade (predicted where it is not known) -> its first overlays
  train::RegionTable table_;
  int count_ = 0;
};

// Explains these knees. A file that cannot be had or shows no knee is one line and a count, which is returned; knees of
// shards and datasets are known to be some.
std::size_t explain_batch(const train::Grader& grader, std::span<const Knee> knees, const train::ExplainOptions& what,
                          const Options& options, Results& results) {
  std::vector<Picture> pictures;
  std::vector<const Knee*> good;
  for (const Knee& knee : knees) {
    try {
      pictures.push_back(knee.load());
      good.push_back(&knee);
    } catch (const Error& error) {
      if (options.strict) throw;
      log_error(error.what());
    }
  }
  if (good.empty()) return knees.size();
  std::vector<pipeline::GreyView> views;
  for (const Picture& picture : pictures) {
    views.push_back({picture.pixels.data(), picture.height_px, picture.width_px});
  }
  const auto explained = grader.explain(views, what);
  std::size_t done = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    const bool is_checked = !options.files.empty() && !options.anyway;
    if (is_checked && grader.is_stranger(explained[i].distance)) {
      const DataError error(stranger_message(good[i]->id, *explained[i].distance, grader));
      if (options.strict) throw error;
      log_error(error.what());
      continue;
    }
    results.add(*good[i], pictures[i], explained[i]);
    ++done;
  }
  return knees.size() - done;
}

struct ChosenKnees {
  std::vector<Knee> knees;
  std::string tested_shards_sha256;  // "": not of a test split
};

ChosenKnees chosen_knees(const train::Grader& grader, const Options& options, RunRecord& record) {
  if (!options.shards.empty()) {
    const auto shards = pipeline::ShardSet::open(options.shards);
    record.add_input(options.shards, shards->index_sha256());
    return {limited(knees_of_shards(shards, options), options.limit),
            options.split == "test" ? shards->index_sha256() : std::string()};
  }
  if (!options.dataset.empty()) {
    const fs::path manifest = fs::path(options.dataset) / "manifest.csv";
    record.add_input(manifest.string(), to_hex(sha256_file(manifest)));
  }
  return {limited(options.dataset.empty() ? knees_of_files(grader, options) : knees_of_dataset(grader, options),
                  options.limit),
          {}};
}

int run(const std::vector<std::string>& arguments) {
  Options options;
  CLI::App app("Grad-CAM: where a network finds what it says. Overlays, a table and, for synthetic knees, a score.",
               "explain");
  describe(app, options);
  if (!parse(app, arguments, options.common)) return 0;
  if ((options.files.empty() ? 0 : 1) + (options.shards.empty() ? 0 : 1) + (options.dataset.empty() ? 0 : 1) != 1) {
    throw UsageError("name what to explain: image files, or --shards, or --dataset (one of them)");
  }
  const train::ExplainOptions what = explain_options(options);
  RunRecord record(arguments, "");
  train::prepare_tensor_runtime(options.threads);
  train::Grader grader = load_grader(options.checkpoint);
  add_checkpoint(record, grader);
  grader.move_to(device_named(options.device));
  grader.check_explainable(what);
  const auto [knees, tested_shards_sha256] = chosen_knees(grader, options, record);
  Results results(options, grader.config());
  // Nothing is left to be refused.
  if (!tested_shards_sha256.empty()) train::count_test_touch(grader.folder(), tested_shards_sha256);
  std::size_t bad = 0;
  {
    ProgressBar bar("explain", knees.size(), "knees");
    const auto batch = static_cast<std::size_t>(options.batch_size);
    for (std::size_t first = 0; first < knees.size(); first += batch) {
      const auto part = std::span(knees).subspan(first, std::min(batch, knees.size() - first));
      bad += explain_batch(grader, part, what, options, results);
      bar.advance(part.size());
    }
  }
  results.write();
  record.add_library("torch", train::tensor_library_version());
  record.write_beside(options.out);
  results.print();
  if (bad > 0) log_error(fmt::format("{} of {} knees could not be explained", bad, knees.size()));
  return bad > 0 ? static_cast<int>(ExitCode::kData) : 0;
}

}  // namespace

Command explain_command() { return {"explain", "", run}; }

}  // namespace genu::cli
