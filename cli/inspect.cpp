// genu inspect: says what a shard set, a dataset folder or a checkpoint is.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "pipeline/loader/loader.h"
#include "pipeline/loader/shard_set.h"

namespace genu::cli {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using namespace genu::pipeline;

// split -> source -> [KL 0 .. KL 4]
ordered_json count_rows(const ShardSet& set, Variants variants) {
  ordered_json counts;
  for (const Split split : kAllSplits) {
    for (const Source source : kAllSources) {
      const auto chosen = set.select({split, source, variants});
      if (!chosen.empty()) {
        counts[std::string(to_string(split))][std::string(to_string(source))] = set.class_counts(chosen);
      }
    }
  }
  return counts;
}

ordered_json describe_shards(const fs::path& path) {
  const auto set = ShardSet::open(path);
  ordered_json files = ordered_json::array();
  for (const auto& file : set->shard_files()) {
    files.push_back({{"file", file.path.filename().string()}, {"count", file.count}, {"sha256", file.sha256_hex}});
  }
  return {{"kind", "shards"},
          {"rows", set->size()},
          {"height_px", set->height_px()},
          {"width_px", set->width_px()},
          {"counts", count_rows(*set, Variants::kOriginals)},
          {"counts_with_variants", count_rows(*set, Variants::kAll)},
          {"training_mean_grey", set->training_pixels().mean_grey},
          {"training_sd_grey", set->training_pixels().sd_grey},
          {"index_sha256", set->index_sha256()},
          {"shards", files},
          {"config", set->config_yaml()},
          {"split_proof", ordered_json::parse(set->split_proof_json(), nullptr, false)}};
}

ordered_json describe_dataset(const fs::path& folder) {
  const CsvTable table = CsvTable::read(folder / "manifest.csv");
  const std::size_t split = table.column("split");
  const std::size_t grade = table.column("kl");
  std::map<std::string, ClassCounts> by_split;
  for (std::size_t row = 0; row < table.size(); ++row) {
    ++by_split[table.cell(row, split)].at(static_cast<std::size_t>(table.integer(row, grade, 0, kKlGradeCount - 1)));
  }
  ordered_json counts;
  for (const auto& [name, grades] : by_split) counts[name]["synthetic"] = grades;
  const fs::path config = folder / "dataset.yaml";
  return {{"kind", "dataset"},
          {"rows", table.size()},
          {"counts", counts},
          {"manifest_sha256", to_hex(sha256_file(folder / "manifest.csv"))},
          {"config", fs::exists(config) ? read_text_file(config) : std::string()}};
}

// The header of a safetensors file: a length (8 bytes, little-endian) and a JSON object of names, types and shapes.
ordered_json describe_checkpoint(const fs::path& folder) {
  const fs::path weights = folder / "model.safetensors";
  const auto bytes = read_file(weights);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) length |= std::uint64_t{bytes[i]} << (8 * i);
  if (bytes.size() < 8 || length > bytes.size() - 8) {
    throw DataError(weights.string() + ": not a whole safetensors file; restore it or train again");
  }
  const auto begin = bytes.begin() + 8;
  const auto header = ordered_json::parse(begin, begin + static_cast<std::ptrdiff_t>(length), nullptr, false);
  if (!header.is_object()) throw DataError(weights.string() + ": its header is damaged; restore it or train again");
  std::uint64_t parameters = 0;
  std::size_t tensors = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__" || !entry.contains("shape")) continue;
    ++tensors;
    if (name.ends_with(".running_mean") || name.ends_with(".running_var") || name.ends_with(".num_batches_tracked")) {
      continue;  // statistics of batch norm, which nothing learns
    }
    std::uint64_t count = 1;
    for (const auto& side : entry["shape"]) {
      if (!side.is_number_unsigned()) {
        throw DataError(weights.string() + ": its header is damaged; restore it or train again");
      }
      count *= side.get<std::uint64_t>();
    }
    parameters += count;
  }
  const fs::path trained = folder / "train.yaml", config = fs::exists(trained) ? trained : folder / "grader.yaml";
  return {{"kind", "checkpoint"},
          {"tensors", tensors},
          {"parameters", parameters},
          {"weights_sha256", to_hex(sha256(std::as_bytes(std::span(bytes))))},
          {"config", fs::exists(config) ? read_text_file(config) : std::string()}};
}

ordered_json describe(const fs::path& path) {
  if (!fs::exists(path)) throw IoError(path.string() + ": no such file or folder; check the path");
  if (fs::exists(path / "shards.json") || path.filename() == "shards.json") return describe_shards(path);
  if (fs::exists(path / "model.safetensors")) return describe_checkpoint(path);
  if (fs::exists(path / "manifest.csv")) return describe_dataset(path);
  throw DataError(path.string() +
                  ": neither shards (shards.json), a dataset (manifest.csv) nor a checkpoint (model.safetensors); "
                  "check the path");
}

// What an epoch of the train split would show: split -> source -> [KL 0 .. KL 4].
ordered_json epoch_counts(const fs::path& path, const LoaderConfig& config, std::uint64_t epoch) {
  const auto set = ShardSet::open(path);
  const Loader loader(set, set->select({Split::kTrain, {}, Variants::kOriginals}), config);
  ordered_json counts;
  for (const auto& [source, grades] : loader.epoch_table(epoch))
    counts["train"][std::string(to_string(source))] = grades;
  return counts;
}

void print_counts(const ordered_json& counts) {
  std::puts(fmt::format("{:<7} {:<10} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8}", "split", "source", "KL 0", "KL 1", "KL 2",
                        "KL 3", "KL 4", "all")
                .c_str());
  for (const auto& [split, sources] : counts.items()) {
    for (const auto& [source, grades] : sources.items()) {
      std::string line = fmt::format("{:<7} {:<10}", split, source);
      std::uint64_t all = 0;
      for (const auto& count : grades) {
        line += fmt::format(" {:>7}", count.get<std::uint64_t>());
        all += count.get<std::uint64_t>();
      }
      std::puts((line + fmt::format(" {:>8}", all)).c_str());
    }
  }
}

// One line a fact: "split_proof near_duplicates searched: true".
void print_lines(const std::string& name, const ordered_json& value) {
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) print_lines(name + " " + key, inner);
  } else {
    std::puts(fmt::format("{}: {}", name, value.is_string() ? value.get<std::string>() : value.dump()).c_str());
  }
}

void print(const ordered_json& facts) {
  for (const auto& [name, value] : facts.items()) {
    if (name == "counts" || name == "epoch_counts") {
      if (name == "epoch_counts") std::puts("positions of the epoch:");
      print_counts(value);
    } else if (name == "counts_with_variants") {
      if (value != facts["counts"]) std::puts("with baked variants:"), print_counts(value);
    } else if (name == "config") {
      std::puts(fmt::format("config:\n{}", value.get<std::string>()).c_str());
    } else if (name == "shards") {
      for (const auto& file : value) {
        std::puts(fmt::format("{}: {} rows, SHA-256 {}", file["file"].get<std::string>(), file["count"].dump(),
                              file["sha256"].get<std::string>())
                      .c_str());
      }
    } else {
      print_lines(name, value);
    }
  }
}

int run(const std::vector<std::string>& arguments) {
  CommonOptions common;
  std::string path;
  CLI::App app("Says what a folder of shards, a dataset folder or a checkpoint holds.", "inspect");
  app.add_option("path", path, "folder of shards, dataset folder or checkpoint folder")->type_name("PATH");
  std::optional<std::uint64_t> epoch;
  app.add_option("--epoch", epoch,
                 "also print what this epoch of a loader with the given config would show of the train split")
      ->type_name("N");
  add_config_options(app, common);
  add_output_options(app, common);
  if (!parse(app, arguments, common)) return 0;
  auto config = load_config<LoaderConfig>(common.config, common.overrides);
  if (common.help_config) return std::fputs(help_text(list_fields(config)).c_str(), stdout), 0;
  if (common.print_config) return std::fputs(to_yaml(config).c_str(), stdout), 0;
  if (path.empty()) throw UsageError("path is required (see `genu inspect --help`)");
  ordered_json facts = describe(path);
  if (epoch) facts["epoch_counts"] = epoch_counts(path, config, *epoch);
  if (common.json) {
    std::puts(facts.dump(2).c_str());
  } else {
    print(facts);
  }
  return 0;
}

}  // namespace

Command inspect_command() { return {"inspect", "say what shards, a dataset or a checkpoint hold", run}; }

}  // namespace genu::cli
