#include "pipeline/shard/quarantine.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/files.h"

namespace genu::pipeline {

namespace {

constexpr int kVersion = 1;

Quarantine read_lists(const nlohmann::json& root) {
  Quarantine quarantine;
  quarantine.index_sha256_hex = root.at("index_sha256").get<std::string>();
  for (const auto& sample : root.at("samples")) {
    quarantine.samples.push_back({sample.at("file").get<std::string>(), sample.at("row").get<std::size_t>(),
                                  sample.at("sample_id").get<std::string>(), sample.at("variant").get<int>(),
                                  sample.at("fault").get<std::string>()});
  }
  for (const auto& shard : root.at("shards")) {
    quarantine.shards.push_back({shard.at("file").get<std::string>(), shard.at("count").get<std::size_t>(),
                                 shard.at("fault").get<std::string>()});
  }
  return quarantine;
}

}  // namespace

bool Quarantine::holds(const std::string& file, std::size_t row) const {
  return std::any_of(samples.begin(), samples.end(), [&](const Sample& s) { return s.row == row && s.file == file; });
}

bool Quarantine::holds_shard(const std::string& file) const {
  return std::any_of(shards.begin(), shards.end(), [&](const Shard& s) { return s.file == file; });
}

std::string to_json(const Quarantine& quarantine) {
  nlohmann::ordered_json samples = nlohmann::ordered_json::array();
  for (const auto& s : quarantine.samples) {
    samples.push_back(
        {{"file", s.file}, {"row", s.row}, {"sample_id", s.sample_id}, {"variant", s.variant}, {"fault", s.fault}});
  }
  nlohmann::ordered_json shards = nlohmann::ordered_json::array();
  for (const auto& s : quarantine.shards) shards.push_back({{"file", s.file}, {"count", s.count}, {"fault", s.fault}});
  const nlohmann::ordered_json root = {{"format", "genu quarantine"},
                                       {"format_version", kVersion},
                                       {"index_sha256", quarantine.index_sha256_hex},
                                       {"samples", samples},
                                       {"shards", shards}};
  // A damaged name may hold any bytes.
  return root.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Quarantine parse_quarantine(const std::string& text, const std::string& origin) {
  try {
    const auto root = nlohmann::json::parse(text);
    const bool ours = root.at("format") == "genu quarantine" && root.at("format_version") == kVersion;
    if (!ours) throw DataError(origin + ": not a quarantine of this version; delete it and run `genu verify --repair`");
    return read_lists(root);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(
        fmt::format("{}: not a whole quarantine ({}); delete it and run `genu verify --repair`", origin, error.what()));
  }
}

Quarantine read_quarantine(const std::filesystem::path& folder, const std::string& index_sha256_hex) {
  const auto path = folder / kQuarantineName;
  if (!std::filesystem::exists(path)) return {index_sha256_hex, {}, {}};
  Quarantine quarantine = parse_quarantine(read_text_file(path), path.string());
  if (quarantine.index_sha256_hex != index_sha256_hex) {
    throw DataError(path.string() + ": belongs to another shards.json; delete it and run `genu verify --repair`");
  }
  return quarantine;
}

}  // namespace genu::pipeline
