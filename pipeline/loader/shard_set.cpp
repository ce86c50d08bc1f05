#include "pipeline/loader/shard_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/log.h"
#include "pipeline/shard/deflate.h"
#include "pipeline/shard/quarantine.h"
#include "pipeline/shard/raw_file.h"
#include "pipeline/shard/shard_format.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

// States of checked_: damage is remembered as well, so that a bad sample is bad every time.
constexpr std::uint8_t kUnchecked = 0;
constexpr std::uint8_t kIntact = 1;
constexpr std::uint8_t kDamaged = 2;

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

ShardSet::ShardSet() = default;
ShardSet::~ShardSet() = default;

std::shared_ptr<const ShardSet> ShardSet::open(const fs::path& path) {
  const fs::path index_path = find_shard_index(path);
  const fs::path folder = index_path.parent_path();
  const std::string index_text = read_text_file(index_path);
  const ShardIndex index = parse_shard_index(index_text, index_path.string());
  if (index.size() == 0) throw DataError(index_path.string() + ": names no samples; make the shards again");

  std::shared_ptr<ShardSet> set(new ShardSet);
  set->height_px_ = index.height_px;
  set->width_px_ = index.width_px;
  set->index_sha256_ = to_hex(sha256(index_text));
  const Quarantine quarantine = read_quarantine(folder, set->index_sha256_);
  for (const ShardIndex::Entry& entry : index.shards) {
    if (quarantine.holds_shard(entry.file)) continue;
    set->add_shard(folder / entry.file, entry.sha256_hex, entry.count);
  }
  if (set->size() == 0) throw DataError(index_path.string() + ": every shard is quarantined; make the shards again");
  set->quarantined_.resize(set->size());
  for (const Quarantine::Sample& sample : quarantine.samples) {
    for (const ShardFile& file : set->shard_files_) {
      if (file.path.filename() == sample.file && sample.row < file.count) {
        set->quarantined_[file.first_sample + sample.row] = 1;
      }
    }
  }
  return set;
}

void ShardSet::add_shard(const fs::path& file, const std::string& sha256_hex, std::size_t count) {
  auto mapping = std::make_unique<MappedFile>(file);
  ShardContents contents = read_shard(mapping->bytes(), file);
  if (contents.rows.size() != count || contents.height_px != height_px_ || contents.width_px != width_px_) {
    throw DataError(file.string() + ": does not hold what shards.json says; restore it or make the shards again");
  }
  if (contents.copies != CopyState::kIntact) {
    log_warning(file.string() +
                ": one of two copies of labels and structure is damaged, nothing is lost; run `genu verify --repair`");
  }
  shard_files_.push_back({file, sha256_hex, count, records_.size()});
  for (std::size_t row = 0; row < count; ++row) {
    const ByteRange& place = contents.stored_rows[row];
    stored_.push_back(mapping->bytes().subspan(place.offset, place.size));
    is_deflated_.push_back(contents.is_deflated ? 1 : 0);
    checked_.push_back(contents.malformed[row] != 0 ? kDamaged : kUnchecked);
  }
  append(records_, contents.rows.records);
  append(augmentations_, contents.rows.augmentations);
  append(pixel_crc32c_, contents.rows.pixel_crc32c);
  append(record_crc32c_, contents.record_crc32c);
  mappings_.push_back(std::move(mapping));
  training_pixels_ = contents.facts.training_pixels;
  preprocess_yaml_ = std::move(contents.facts.preprocess_yaml);
  config_yaml_ = std::move(contents.facts.config_yaml);
  split_proof_json_ = std::move(contents.facts.split_proof_json);
}

std::size_t ShardSet::shard_of(std::size_t i) const {
  if (i >= size()) throw InternalError("ShardSet: no such sample");
  const auto after = std::upper_bound(shard_files_.begin(), shard_files_.end(), i,
                                      [](std::size_t sample, const ShardFile& f) { return sample < f.first_sample; });
  return static_cast<std::size_t>(after - shard_files_.begin()) - 1;
}

std::optional<std::span<const std::uint8_t>> ShardSet::decode(std::size_t i, std::vector<std::uint8_t>& scratch) const {
  if (is_deflated_[i] == 0) return stored_[i];
  scratch.resize(static_cast<std::size_t>(height_px_) * static_cast<std::size_t>(width_px_));
  if (!inflate_zlib(stored_[i], scratch)) return std::nullopt;
  return scratch;
}

bool ShardSet::matches_checksums(std::size_t i, std::span<const std::uint8_t> decoded) const {
  return crc32c(std::as_bytes(decoded)) == pixel_crc32c_[i] &&
         record_crc32c(records_[i], augmentations_[i]) == record_crc32c_[i];
}

bool ShardSet::is_intact(std::size_t i) const {
  const std::uint8_t known = std::atomic_ref<std::uint8_t>(checked_.at(i)).load(std::memory_order_relaxed);
  if (known != kUnchecked) return known == kIntact;
  std::vector<std::uint8_t> scratch;
  const auto decoded = decode(i, scratch);
  const bool intact = decoded && matches_checksums(i, *decoded);
  std::atomic_ref<std::uint8_t>(checked_[i]).store(intact ? kIntact : kDamaged, std::memory_order_relaxed);
  return intact;
}

std::span<const std::uint8_t> ShardSet::pixels(std::size_t i, std::vector<std::uint8_t>& scratch) const {
  if (i >= size()) throw InternalError("ShardSet: no such sample");
  std::atomic_ref<std::uint8_t> state(checked_[i]);
  const std::uint8_t known = state.load(std::memory_order_relaxed);
  if (known != kDamaged) {
    const auto decoded = decode(i, scratch);
    if (decoded && (known == kIntact || matches_checksums(i, *decoded))) {
      if (known == kUnchecked) state.store(kIntact, std::memory_order_relaxed);
      return *decoded;
    }
    state.store(kDamaged, std::memory_order_relaxed);
  }
  throw DataError(place(i) +
                  ": checksum does not match; run `genu verify --repair` to leave it out, or make the shards again");
}

std::vector<std::uint8_t> ShardSet::copy_pixels(std::size_t i) const {
  std::vector<std::uint8_t> scratch;
  const auto decoded = pixels(i, scratch);
  return {decoded.begin(), decoded.end()};
}

std::string ShardSet::place(std::size_t i) const {
  const ShardFile& file = shard_files_[shard_of(i)];
  const SampleRecord& record = records_[i];
  const std::string variant = record.variant == 0 ? "" : fmt::format(" variant {}", record.variant);
  return fmt::format("{}: sample {}{} (row {})", file.path.string(), record.sample_id, variant, i - file.first_sample);
}

std::vector<std::size_t> ShardSet::select(const Selection& selection) const {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const SampleRecord& record = records_[i];
    if (is_quarantined(i)) continue;
    if (selection.split && record.split != *selection.split) continue;
    if (selection.source && record.source != *selection.source) continue;
    if (selection.variants == Variants::kOriginals && record.variant != 0) continue;
    chosen.push_back(i);
  }
  return chosen;
}

IntactSamples ShardSet::keep_intact(std::span<const std::size_t> samples) const {
  IntactSamples result;
  for (const std::size_t sample : samples) {
    if (is_intact(sample)) {
      result.samples.push_back(sample);
    } else {
      result.damaged.push_back(place(sample));
    }
  }
  return result;
}

ClassCounts ShardSet::class_counts(std::span<const std::size_t> samples) const {
  ClassCounts counts{};
  for (const std::size_t sample : samples) ++counts.at(static_cast<std::size_t>(record(sample).kl.value()));
  return counts;
}

}  // namespace genu::pipeline
