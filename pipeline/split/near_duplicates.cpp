#include "pipeline/split/near_duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "core/errors.h"
#include "pipeline/augment/resize.h"

namespace genu::pipeline {

namespace {

constexpr int kSide = static_cast<int>(kStructureSide);
constexpr std::size_t kHashSide = 8;  // 8 x 8 coefficients = 64 bits

// Gaussian weights out to three standard deviations, sum 1.
std::vector<float> gaussian(double sigma_px) {
  const int radius = static_cast<int>(std::ceil(3 * sigma_px));
  std::vector<float> weights;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(static_cast<float>(std::exp(-0.5 * i * i / (sigma_px * sigma_px))));
  }
  const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
  for (float& weight : weights) weight /= sum;
  return weights;
}

// Blurs along rows with replicated edges and writes the transpose; twice gives a two-dimensional blur.
void blur_rows_transposed(const StructureMap& in, const std::vector<float>& weights, StructureMap& out) {
  const int radius = static_cast<int>(weights.size() / 2);
  std::vector<float> padded(static_cast<std::size_t>(kSide + 2 * radius));
  std::array<float, kStructureSide> blurred{};
  for (std::size_t y = 0; y < kStructureSide; ++y) {
    const float* row = in.data() + y * kStructureSide;
    for (int x = -radius; x < kSide + radius; ++x) {
      padded[static_cast<std::size_t>(x + radius)] = row[std::clamp(x, 0, kSide - 1)];
    }
    blurred.fill(0);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      for (std::size_t x = 0; x < kStructureSide; ++x) blurred[x] += weights[k] * padded[x + k];
    }
    for (std::size_t x = 0; x < kStructureSide; ++x) out[x * kStructureSide + y] = blurred[x];
  }
}

StructureMap blur(const StructureMap& in, const std::vector<float>& weights) {
  StructureMap half;
  StructureMap out;
  blur_rows_transposed(in, weights, half);
  blur_rows_transposed(half, weights, out);
  return out;
}

void standardise(StructureMap& map) {
  const double mean = std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
  double squares = 0;
  for (float& value : map) {
    value -= static_cast<float>(mean);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0f;
  for (float& value : map) value *= scale;
}

// Lowest 8 x 8 cosine coefficients but the constant row and column, which hold little structure.
std::array<float, kHashSide * kHashSide> low_frequencies(const StructureMap& map) {
  static const auto basis = [] {
    std::array<std::array<float, kStructureSide>, kHashSide> rows{};
    for (std::size_t u = 0; u < kHashSide; ++u) {
      for (std::size_t x = 0; x < kStructureSide; ++x) {
        rows[u][x] = static_cast<float>(std::cos(std::numbers::pi * static_cast<double>(u + 1) *
                                                 (static_cast<double>(x) + 0.5) / kSide));
      }
    }
    return rows;
  }();
  std::array<std::array<float, kStructureSide>, kHashSide> down{};
  for (std::size_t v = 0; v < kHashSide; ++v) {
    for (std::size_t y = 0; y < kStructureSide; ++y) {
      for (std::size_t x = 0; x < kStructureSide; ++x) down[v][x] += basis[v][y] * map[y * kStructureSide + x];
    }
  }
  std::array<float, kHashSide * kHashSide> out{};
  for (std::size_t v = 0; v < kHashSide; ++v) {
    for (std::size_t u = 0; u < kHashSide; ++u) {
      out[v * kHashSide + u] = std::inner_product(basis[u].begin(), basis[u].end(), down[v].begin(), 0.0f);
    }
  }
  return out;
}

std::uint64_t sign_bits(const std::array<float, kHashSide * kHashSide>& coefficients) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    if (coefficients[i] > 0) bits |= std::uint64_t{1} << i;
  }
  return bits;
}

int distance(const ImageFingerprint& a, const ImageFingerprint& b) {
  return std::min(std::popcount(a.bits ^ b.bits), std::popcount(a.bits ^ b.mirrored_bits));
}

}  // namespace

void NearDuplicateConfig::list_fields(FieldList& fields) {
  fields.choice("search", search, {{"on", NearDuplicateSearch::kOn}, {"off", NearDuplicateSearch::kOff}},
                "look for copies of one image in two splits");
  fields.add("most_hash_bits", most_hash_bits, Range{0, 64}, "fingerprints further apart are not compared");
  fields.add("least_correlation", least_correlation, Range{0.0, 1.0}, "structure maps from here on count as copies");
}

StructureMap structure_map(const GreyView& image) {
  static const std::vector<float> kBackground = gaussian(3);
  static const std::vector<float> kNeighbourhood = gaussian(4);
  std::array<std::uint8_t, kStructureSide * kStructureSide> thumbnail{};
  resize_grey(image, kSide, kSide, thumbnail);
  StructureMap map;
  std::copy(thumbnail.begin(), thumbnail.end(), map.begin());

  // 1. Take away the local mean.
  const StructureMap background = blur(map, kBackground);
  for (std::size_t i = 0; i < map.size(); ++i) map[i] -= background[i];

  // 2. Divide by the local SD; one grey level keeps flat regions flat.
  StructureMap squares;
  for (std::size_t i = 0; i < map.size(); ++i) squares[i] = map[i] * map[i];
  const StructureMap variance = blur(squares, kNeighbourhood);
  for (std::size_t i = 0; i < map.size(); ++i) map[i] /= std::sqrt(variance[i]) + 1.0f;
  standardise(map);
  return map;
}

StructureMap mirrored(const StructureMap& map) {
  StructureMap out = map;
  for (std::size_t y = 0; y < kStructureSide; ++y) {
    const auto row = out.begin() + static_cast<std::ptrdiff_t>(y * kStructureSide);
    std::reverse(row, row + kSide);
  }
  return out;
}

double correlation(const StructureMap& a, const StructureMap& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

ImageFingerprint image_fingerprint(const StructureMap& map) {
  auto coefficients = low_frequencies(map);
  ImageFingerprint fingerprint;
  fingerprint.bits = sign_bits(coefficients);
  // Mirroring turns the sign of the cosines that are odd about the middle: the 1st, 3rd, ... column here.
  for (std::size_t i = 0; i < coefficients.size(); i += 2) coefficients[i] = -coefficients[i];
  fingerprint.mirrored_bits = sign_bits(coefficients);
  return fingerprint;
}

ImageFingerprint image_fingerprint(const GreyView& image) { return image_fingerprint(structure_map(image)); }

NearDuplicateReport check_near_duplicates(std::span<const SourceSample> samples,
                                          std::span<const ImageFingerprint> fingerprints,
                                          const NearDuplicateConfig& config,
                                          const std::function<StructureMap(std::size_t)>& structure_of) {
  NearDuplicateReport report;
  if (config.search == NearDuplicateSearch::kOff) return report;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::optional<StructureMap> first;
    for (std::size_t k = i + 1; k < samples.size(); ++k) {
      if (samples[i].split == samples[k].split) continue;
      if (distance(fingerprints[i], fingerprints[k]) > config.most_hash_bits) continue;
      ++report.candidate_pairs;
      if (!first) first = structure_of(i);
      const StructureMap second = structure_of(k);
      const double alike = std::max(correlation(*first, second), correlation(*first, mirrored(second)));
      if (alike >= config.least_correlation) {
        throw DataError(fmt::format("the same image, altered, is in two splits: {} ({}) and {} ({}), structure "
                                    "correlation {:.3f}; remove one",
                                    samples[i].path.string(), to_string(samples[i].split), samples[k].path.string(),
                                    to_string(samples[k].split), alike));
      }
      report.largest_correlation = std::max(report.largest_correlation, alike);
    }
  }
  return report;
}

}  // namespace genu::pipeline
