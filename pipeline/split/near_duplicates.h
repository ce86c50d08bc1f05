// Finds copies of one image in two splits even where the bytes differ: recompressed, resized, equalised or mirrored.
//
// Each prepared image gets a 64-bit fingerprint of its local structure. Pairs from different splits whose fingerprints
// are close (also mirrored) are then confirmed on a 32 x 32 map of the same structure. Local normalisation removes what
// equalisation and exposure change; what is left is the course of edges and trabeculae, which no two knees share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/config.h"
#include "pipeline/augment/augment.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

enum class NearDuplicateSearch : std::uint8_t { kOn, kOff };

struct NearDuplicateConfig {
  NearDuplicateSearch search = NearDuplicateSearch::kOn;
  int most_hash_bits = 16;          // fingerprints that differ in more bits are not compared further
  double least_correlation = 0.85;  // of the structure maps, from which a pair counts as copies
  void list_fields(FieldList& fields);
};

struct ImageFingerprint {
  std::uint64_t bits = 0;
  std::uint64_t mirrored_bits = 0;  // of the left-right mirrored image
  bool operator==(const ImageFingerprint&) const = default;
};

inline constexpr std::size_t kStructureSide = 32;
// Row by row; zero mean, unit sum of squares (all zero for a flat image).
using StructureMap = std::array<float, kStructureSide * kStructureSide>;

StructureMap structure_map(const GreyView& image);
StructureMap mirrored(const StructureMap& map);
// Correlation, -1..1.
double correlation(const StructureMap& a, const StructureMap& b);

ImageFingerprint image_fingerprint(const StructureMap& map);
ImageFingerprint image_fingerprint(const GreyView& image);

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
