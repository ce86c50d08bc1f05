// All samples of a folder of shards, read outside HDF5: opening reads labels and offsets through the library, pixels
// then come straight from mapped files, so that threads never queue at HDF5's global lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/kl_grade.h"
#include "pipeline/augment/augment.h"
#include "pipeline/loader/sample_record.h"

namespace genu::pipeline {

// Mean and SD over all pixels of the training images (variant 0), grey levels 0..255.
struct PixelStatistics {
  double mean_grey = 0;
  double sd_grey = 1;
  bool operator==(const PixelStatistics&) const = default;
};

enum class Variants : std::uint8_t {
  kOriginals,  // variant 0 only
  kAll,        // and every baked augmentation
};

// Which samples to take; an empty field takes all.
struct Selection {
  std::optional<Split> split;
  std::optional<Source> source;
  Variants variants = Variants::kOriginals;
};

struct IntactSamples {
  std::vector<std::size_t> samples;  // those whose checksums match, in the order given
  std::vector<std::string> damaged;  // the place of each of the others
};

using ClassCounts = std::array<std::size_t, kKlGradeCount>;

class MappedFile;

// Immutable after open(); every member is safe to call from any number of threads.
class ShardSet {
 public:
  // `path` is shards.json or the folder that holds it. Throws IoError if a file cannot be read, DataError ("file:
  // fault; remedy") if one is not what the index says.
  static std::shared_ptr<const ShardSet> open(const std::filesystem::path& path);
  ~ShardSet();
  ShardSet(const ShardSet&) = delete;
  ShardSet& operator=(const ShardSet&) = delete;

  std::size_t size() const { return records_.size(); }
  int height_px() const { return height_px_; }
  int width_px() const { return width_px_; }

  // Requires i < size().
  const SampleRecord& record(std::size_t i) const { return records_.at(i); }
  // Parameters that baked sample i from its original; identity for variant 0.
  const AugmentParameters& augmentation(std::size_t i) const { return augmentations_.at(i); }
  // Grey [height, width], row by row: the mapped bytes themselves, or `scratch`, into which a deflated row is inflated.
  // The checksum is verified on first touch. Throws DataError naming shard and sample if the pixels are damaged, every
  // time it is asked for them.
  std::span<const std::uint8_t> pixels(std::size_t i, std::vector<std::uint8_t>& scratch) const;
  // The same in memory of one's own.
  std::vector<std::uint8_t> copy_pixels(std::size_t i) const;
  // Whether the stored checksums of pixels and of the record still match. Never throws.
  bool is_intact(std::size_t i) const;
  // "FOLDER/shard-00000.h5: sample 9001400L (row 17)".
  std::string place(std::size_t i) const;
  // Whether quarantine.json names it. Samples of a shard that it names as a whole are not in the set at all.
  bool is_quarantined(std::size_t i) const { return quarantined_.at(i) != 0; }

  // Indices in stored order, without what is quarantined.
  std::vector<std::size_t> select(const Selection& selection) const;
  // Checks every given sample; a trainer warns of the damaged ones and goes on with the rest.
  IntactSamples keep_intact(std::span<const std::size_t> samples) const;
  ClassCounts class_counts(std::span<const std::size_t> samples) const;

  const PixelStatistics& training_pixels() const { return training_pixels_; }
  // PreprocessConfig as YAML: what turned a decoded film into the stored pixels; `predict` applies the same.
  const std::string& preprocess_yaml() const { return preprocess_yaml_; }
  // The whole resolved config of the `shard` run.
  const std::string& config_yaml() const { return config_yaml_; }
  // JSON text of the split proof.
  const std::string& split_proof_json() const { return split_proof_json_; }
  // SHA-256 (hex) of shards.json: names this very set of bytes.
  const std::string& index_sha256() const { return index_sha256_; }

  struct ShardFile {
    std::filesystem::path path;
    std::string sha256_hex;  // as the index states it
    std::size_t count = 0;
    std::size_t first_sample = 0;
  };
  const std::vector<ShardFile>& shard_files() const { return shard_files_; }

 private:
  ShardSet();
  void add_shard(const std::filesystem::path& file, const std::string& sha256_hex, std::size_t count);
  std::size_t shard_of(std::size_t i) const;
  // Nothing if the row's stream is damaged.
  std::optional<std::span<const std::uint8_t>> decode(std::size_t i, std::vector<std::uint8_t>& scratch) const;
  bool matches_checksums(std::size_t i, std::span<const std::uint8_t> decoded) const;

  int height_px_ = 0;
  int width_px_ = 0;
  std::vector<SampleRecord> records_;
  std::vector<AugmentParameters> augmentations_;
  std::vector<std::uint32_t> pixel_crc32c_;
  std::vector<std::uint32_t> record_crc32c_;
  std::vector<std::span<const std::uint8_t>> stored_;  // each row as it lies in its file
  std::vector<std::uint8_t> is_deflated_;              // one a sample
  std::vector<std::uint8_t> quarantined_;              // one a sample
  std::vector<ShardFile> shard_files_;
  std::vector<std::unique_ptr<MappedFile>> mappings_;  // one a shard file
  mutable std::vector<std::uint8_t> checked_;          // one a sample; accessed through std::atomic_ref
  PixelStatistics training_pixels_;
  std::string preprocess_yaml_;
  std::string config_yaml_;
  std::string split_proof_json_;
  std::string index_sha256_;
};

}  // namespace genu::pipeline
