// What one shard holds beside its pixels, and how a record is checksummed. docs/shard_format.md describes the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/augment/augment.h"
#include "pipeline/loader/sample_record.h"
#include "pipeline/loader/shard_set.h"

namespace genu::pipeline {

// A reader refuses files of another version.
inline constexpr int kShardFormatVersion = 2;

// Where contiguous pixels start: HDF5 puts /image, the first dataset made, on the first page after its header.
inline constexpr std::uint64_t kPixelOffset = 4096;

// Row i of every list belongs to row i of the pixels.
struct ShardRows {
  std::vector<SampleRecord> records;
  std::vector<AugmentParameters> augmentations;
  std::vector<std::uint32_t> pixel_crc32c;
  std::size_t size() const { return records.size(); }
};

// What every shard of a set repeats, so that one file alone can be understood.
struct SetFacts {
  PixelStatistics training_pixels;
  std::string config_yaml;
  std::string preprocess_yaml;
  std::string split_proof_json;
};

// CRC-32C over everything that is stored of a sample but its pixels: grades, side, source, split, variant, names,
// source hash, augmentation.
std::uint32_t record_crc32c(const SampleRecord& record, const AugmentParameters& augmentation);

ClassCounts class_counts(const std::vector<SampleRecord>& records);

}  // namespace genu::pipeline
