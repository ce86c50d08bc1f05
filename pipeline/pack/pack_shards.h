// From listed images to a folder of shards: read, check, decode, prepare and augment in parallel, write in order.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/pack/job.h"
#include "pipeline/pack/shard_config.h"
#include "pipeline/source/source_sample.h"
#include "pipeline/split/split_rules.h"

namespace genu::pipeline {

enum class Resume : std::uint8_t {
  kAnew,  // what an interrupted run left is thrown away
  kGoOn,  // it is gone on with; the result is the same, byte for byte
};

struct PackOptions {
  std::filesystem::path out;  // folder; holds shards.json when all is done
  int threads = 0;            // 0 = one a processor; changes speed only
  FaultPolicy policy = FaultPolicy::kSkip;
  Resume resume = Resume::kAnew;
};

struct PackReport {
  SplitTable table;      // what was packed, variants not counted
  std::size_t rows = 0;  // variants counted
  std::size_t shards = 0;
  std::size_t negatives_righted = 0;
  std::size_t mirrored = 0;
  std::size_t resumed_samples = 0;              // taken over from an interrupted run
  std::size_t repeated_files = 0;               // same bytes twice within one split
  std::vector<std::filesystem::path> coloured;  // packed, made grey, to be looked at (decode_image.h)
  PixelStatistics training_pixels;
  std::vector<SkippedInput> skipped;  // images that could not be used
  std::string split_proof_json;
  std::string index_sha256_hex;
};

// Drops what the config leaves out: synthetic held-out samples, and synthetic training samples beyond the top-up. Which
// of those stay depends on seed and id alone, so that a larger synthetic set changes few.
std::vector<SourceSample> choose_samples(std::vector<SourceSample> samples, const ShardConfig& config);

// Same bytes for any thread count. Memory does not grow with the number of images beyond their labels.
// While it works, everything lies in OUT/.packing with a journal; a kill leaves that and nothing else, an exception not
// even that, unless what was to be gone on with is of another job or holds a bad image under kStop: then it stays. A
// set that lay in the folder is replaced at the end. Throws DataError if a split rule is broken, if no image could be
// used, at the first bad image under FaultPolicy::kStop, or if what is to be gone on with is another job; IoError if
// the disk is full.
PackReport pack_shards(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options);

// Prepares one part of the samples into OUT/.packing-I-of-N and stops there, so that many machines can share the work.
// The report has no proof yet.
PackReport pack_part(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options,
                     const Part& part);

// Joins N parts that lie in the folder: the same bytes as pack_shards() gives. `samples` and `config` as for the parts.
// Throws DataError naming a part that is missing, not complete or of another job.
PackReport merge_parts(const std::vector<SourceSample>& samples, const ShardConfig& config, const PackOptions& options,
                       std::size_t part_count);

}  // namespace genu::pipeline
