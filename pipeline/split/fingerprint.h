// What of an image outlives equalisation, exposure, recompression and resizing: the course of its edges and trabeculae.
//
// The image is shrunk to 96 x 96, its local mean is taken away and the rest divided by its local SD: the structure map.
// The fingerprint is the signs of 256 of the map's cosine coefficients, 10 to 25 half waves on either axis; lower ones
// are alike in all knees.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/augment/augment.h"

namespace genu::pipeline {

using FingerprintBits = std::array<std::uint64_t, 4>;

struct ImageFingerprint {
  FingerprintBits bits{};
  FingerprintBits mirrored_bits{};  // of the left-right mirrored image
  bool operator==(const ImageFingerprint&) const = default;
};

inline constexpr std::size_t kStructureSide = 96;
// Row by row; zero mean, unit sum of squares (all zero for a flat image).
using StructureMap = std::vector<float>;

StructureMap structure_map(const GreyView& image);
StructureMap mirrored(const StructureMap& map);
// Correlation, -1..1.
double correlation(const StructureMap& a, const StructureMap& b);
// The greater correlation of `a` with `b` and with its mirror image.
double likeness(const StructureMap& a, const StructureMap& b);

// No allocation from the second image of a thread on.
ImageFingerprint image_fingerprint(const GreyView& image);

inline int differing_bits(const FingerprintBits& a, const FingerprintBits& b) {
  int count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += std::popcount(a[i] ^ b[i]);
  return count;
}
// Differing bits, 0..256, of `a` and `b` or its mirror image, whichever is nearer.
inline int bits_apart(const ImageFingerprint& a, const ImageFingerprint& b) {
  return std::min(differing_bits(a.bits, b.bits), differing_bits(a.bits, b.mirrored_bits));
}

}  // namespace genu::pipeline
