#include "pipeline/pack/stale_check.h"

#include <fmt/format.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "core/errors.h"
#include "core/hash.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/pack/prepare_sample.h"

namespace genu::pipeline {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Where two resolved configs first differ; they list the same keys in the same order unless the program has changed.
void compare_configs(const std::string& stored, const std::string& asked, std::vector<std::string>& reasons) {
  if (stored == asked) return;
  const auto before = lines_of(stored);
  const auto now = lines_of(asked);
  for (std::size_t i = 0; i < std::max(before.size(), now.size()); ++i) {
    const std::string was = i < before.size() ? before[i] : "nothing";
    const std::string is = i < now.size() ? now[i] : "nothing";
    if (was == is) continue;
    reasons.push_back(fmt::format("config differs: stored '{}', asked for '{}'", was, is));
    if (before.size() != now.size()) return;
  }
}

using Key = std::pair<Source, std::string>;

std::map<Key, std::size_t> originals_of(const ShardSet& set) {
  std::map<Key, std::size_t> originals;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set.record(i).variant == 0) originals[{set.record(i).source, set.record(i).sample_id}] = i;
  }
  return originals;
}

bool same_labels(const SourceSample& sample, const SampleRecord& record) {
  return sample.subject == record.subject && sample.side == record.side && sample.split == record.split &&
         sample.kl == record.kl && sample.kl_read == record.kl_read;
}

// Empty if the sample is as it was packed, in `row` if it was. The same file gives other pixels under another box; what
// another config makes of it is not asked.
std::string reason_of(const SourceSample& sample, const ShardSet& set, std::optional<std::size_t> row,
                      const ShardConfig& config, bool same_config) {
  const std::string name = sample.path.string();
  if (!row) return prepare_sample(sample, config).facts.fault.empty() ? name + ": not in the shards" : "";
  const SampleRecord& record = set.record(*row);
  if (!same_labels(sample, record)) return name + ": its subject, side, split or grade differs from the shards'";
  const std::string changed = name + ": changed since the shards were made";
  try {
    if (!same_config) return sha256_file(sample.path) == record.source_sha256 ? "" : changed;
    const PreparedSample prepared = prepare_sample(sample, config);
    if (!prepared.facts.fault.empty()) return prepared.facts.fault;
    if (prepared.facts.sha256 != record.source_sha256) return changed;
    const auto stored = set.copy_pixels(*row);
    return prepared.rows.front().pixel_crc32c == crc32c(std::as_bytes(std::span(stored)))
               ? ""
               : name + ": gives other pixels than the shards', by another box or another program";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

StaleReport check_stale(const std::vector<SourceSample>& samples, const ShardConfig& asked,
                        const std::filesystem::path& shards, int threads) {
  const auto set = ShardSet::open(shards);
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<std::size_t>(threads > 0 ? threads : tbb::info::default_concurrency()));
  const ShardConfig config = fit_config(samples, asked);
  StaleReport report;
  report.compared = samples.size();
  compare_configs(set->config_yaml(), to_yaml(config), report.reasons);
  auto originals = originals_of(*set);
  const bool same_config = report.reasons.empty();
  ShardConfig originals_only = config;
  originals_only.variants = 0;
  std::vector<std::optional<std::size_t>> rows(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto found = originals.find({samples[i].source, samples[i].id});
    if (found == originals.end()) continue;
    rows[i] = found->second;
    originals.erase(found);
  }
  std::vector<std::string> reasons(samples.size());
  tbb::parallel_for(std::size_t{0}, samples.size(), [&](std::size_t i) {
    reasons[i] = reason_of(samples[i], *set, rows[i], originals_only, same_config);
  });
  for (std::string& reason : reasons) {
    if (!reason.empty()) report.reasons.push_back(std::move(reason));
  }
  for (const auto& [key, row] : originals) {
    report.reasons.push_back(fmt::format("{}: sample {} of source {} is in the shards and no longer listed",
                                         shards.string(), key.second, to_string(key.first)));
  }
  return report;
}

}  // namespace genu::pipeline
