#include "pipeline/loader/shard_set.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "pipeline/shard/shard_format.h"
#include "pipeline/shard/shard_index.h"
#include "pipeline/shard/shard_reader.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

// One mapped shard file.
struct ShardSet::Mapping {
  explicit Mapping(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
      const int error = errno;
      if (descriptor >= 0) ::close(descriptor);
      throw IoError(path.string() + ": cannot open: " + std::strerror(error) + "; check the path");
    }
    size = static_cast<std::size_t>(status.st_size);
    void* mapped = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    const int error = errno;
    ::close(descriptor);
    if (mapped == MAP_FAILED) throw IoError(path.string() + ": cannot map: " + std::strerror(error));
    bytes = static_cast<const std::uint8_t*>(mapped);
  }
  ~Mapping() { ::munmap(const_cast<std::uint8_t*>(bytes), size); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  std::uint64_t pixel_offset = 0;
};

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
  const std::string index_text = read_text_file(index_path);
  const ShardIndex index = parse_shard_index(index_text, index_path.string());
  if (index.size() == 0) throw DataError(index_path.string() + ": names no samples; make the shards again");

  std::shared_ptr<ShardSet> set(new ShardSet);
  set->checked_ = std::make_unique<std::uint8_t[]>(index.size());
  set->height_px_ = index.height_px;
  set->width_px_ = index.width_px;
  set->index_sha256_ = to_hex(sha256(index_text));
  for (const ShardIndex::Entry& entry : index.shards) {
    const fs::path file = index_path.parent_path() / entry.file;
    ShardContents contents = read_shard(file);
    auto mapping = std::make_unique<Mapping>(file);
    mapping->pixel_offset = contents.pixel_offset;
    const std::size_t bytes =
        entry.count * static_cast<std::size_t>(index.height_px) * static_cast<std::size_t>(index.width_px);
    if (contents.rows.size() != entry.count || contents.height_px != index.height_px ||
        contents.width_px != index.width_px || mapping->pixel_offset > mapping->size ||
        bytes > mapping->size - mapping->pixel_offset) {
      throw DataError(file.string() + ": does not hold what shards.json says; restore it or make the shards again");
    }
    set->shard_files_.push_back({file, entry.sha256_hex, entry.count, set->records_.size()});
    for (std::size_t row = 0; row < entry.count; ++row) {
      if (contents.malformed[row] != 0) set->checked_[set->records_.size() + row] = kDamaged;
    }
    append(set->records_, contents.rows.records);
    append(set->augmentations_, contents.rows.augmentations);
    append(set->pixel_crc32c_, contents.rows.pixel_crc32c);
    append(set->record_crc32c_, contents.record_crc32c);
    set->mappings_.push_back(std::move(mapping));
    set->training_pixels_ = contents.facts.training_pixels;
    set->preprocess_yaml_ = std::move(contents.facts.preprocess_yaml);
    set->config_yaml_ = std::move(contents.facts.config_yaml);
    set->split_proof_json_ = std::move(contents.facts.split_proof_json);
  }
  return set;
}

std::size_t ShardSet::shard_of(std::size_t i) const {
  if (i >= size()) throw InternalError("ShardSet: no such sample");
  const auto after = std::upper_bound(shard_files_.begin(), shard_files_.end(), i,
                                      [](std::size_t sample, const ShardFile& f) { return sample < f.first_sample; });
  return static_cast<std::size_t>(after - shard_files_.begin()) - 1;
}

std::span<const std::uint8_t> ShardSet::unchecked_pixels(std::size_t i) const {
  const std::size_t shard = shard_of(i);
  const std::size_t bytes = static_cast<std::size_t>(height_px_) * static_cast<std::size_t>(width_px_);
  const Mapping& mapping = *mappings_[shard];
  return {mapping.bytes + mapping.pixel_offset + (i - shard_files_[shard].first_sample) * bytes, bytes};
}

bool ShardSet::is_intact(std::size_t i) const {
  std::atomic_ref<std::uint8_t> state(checked_[i]);
  const std::uint8_t known = state.load(std::memory_order_relaxed);
  if (known != kUnchecked) return known == kIntact;
  const bool intact = crc32c(std::as_bytes(unchecked_pixels(i))) == pixel_crc32c_[i] &&
                      record_crc32c(records_[i], augmentations_[i]) == record_crc32c_[i];
  state.store(intact ? kIntact : kDamaged, std::memory_order_relaxed);
  return intact;
}

std::span<const std::uint8_t> ShardSet::pixels(std::size_t i) const {
  if (i >= size()) throw InternalError("ShardSet: no such sample");
  if (!is_intact(i)) {
    throw DataError(place(i) +
                    ": checksum does not match; run `genu verify` and make the shards again or leave it out");
  }
  return unchecked_pixels(i);
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
