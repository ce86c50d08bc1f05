// Finds copies of one image in two splits even where the bytes differ: recompressed, resized, equalised or mirrored.
//
// Each prepared image gets a 256-bit fingerprint of its fine structure (fingerprint.h). Pairs from different splits
// whose fingerprints are close (also mirrored) are then confirmed by the correlation of their structure maps.
//
// Measured by bench/near_duplicates.cpp on the 6,604 films of the Mendeley set, prepared at 224 px (21.8 million pairs,
// also mirrored): no two knees come nearer than 44 of 256 bits, and of the 1,514 pairs within 66 bits none correlates
// above 0.50. Of altered copies of 661 of these films all are caught after mirroring, CLAHE up to clip 40,
// equalisation, gamma 0.6 and 1.6, blur of 1.5 px, a passage through 128 px, a shift of 1 px, enlargement by 1 % and a
// turn by 1 degree; 69 % at 2 % enlargement. Copies shifted by 2 px, enlarged by 5 % or turned by 2 degrees are not
// found: docs/sources.md has the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "core/config.h"
#include "pipeline/source/source_sample.h"
#include "pipeline/split/fingerprint.h"

namespace genu::pipeline {

enum class NearDuplicateSearch : std::uint8_t { kOn, kOff };

struct NearDuplicateConfig {
  NearDuplicateSearch search = NearDuplicateSearch::kOn;
  int most_hash_bits = 66;         // of 256; fingerprints that differ in more bits are not compared further
  double least_correlation = 0.6;  // of the structure maps, from which a pair counts as copies
  void list_fields(FieldList& fields);
};

using IndexPair = std::pair<std::size_t, std::size_t>;  // the smaller one first

// Every pair of different splits whose fingerprints, one of them mirrored or not, differ in at most most_hash_bits
// bits; in order. Every pair is compared, in parallel: at a radius of 66 of 256 bits an index over parts of the hash
// would probe more buckets than there are images (radius 4 in each of sixteen 16-bit parts: 40,272 probes an image),
// and comparing costs a few nanoseconds (bench/near_duplicates.cpp: 100,000 images).
std::vector<IndexPair> close_pairs(std::span<const Split> splits, std::span<const ImageFingerprint> fingerprints,
                                   int most_hash_bits);

// What the search did, for the split proof.
struct NearDuplicateReport {
  std::size_t candidate_pairs = 0;  // close fingerprints, confirmed or not
  double largest_correlation = 0;   // among candidates that were not copies
};

// fingerprints[i] belongs to samples[i]; structure_of(i) gives the map of sample i (called for candidates only).
// Throws DataError naming both files at the first pair of copies in different splits.
NearDuplicateReport check_near_duplicates(std::span<const SourceSample> samples,
                                          std::span<const ImageFingerprint> fingerprints,
                                          const NearDuplicateConfig& config,
                                          const std::function<StructureMap(std::size_t)>& structure_of);

}  // namespace genu::pipeline
