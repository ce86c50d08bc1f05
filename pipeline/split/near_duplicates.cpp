#include "pipeline/split/near_duplicates.h"

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <utility>

#include "core/errors.h"
#include "pipeline/augment/resize.h"

namespace genu::pipeline {

namespace {

constexpr int kSide = static_cast<int>(kStructureSide);
constexpr std::size_t kHashSide = 16;        // 16 x 16 coefficients = 256 bits
constexpr std::size_t kFirstFrequency = 10;  // half waves across the map; lower ones are alike in all knees

using Coefficients = std::array<float, kHashSide * kHashSide>;

// Zero mean, unit sum of squares.
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

using Basis = std::array<std::array<float, kStructureSide>, kHashSide>;

Basis cosine_basis() {
  Basis rows{};
  for (std::size_t u = 0; u < kHashSide; ++u) {
    for (std::size_t x = 0; x < kStructureSide; ++x) {
      rows[u][x] = static_cast<float>(std::cos(std::numbers::pi * static_cast<double>(u + kFirstFrequency) *
                                               (static_cast<double>(x) + 0.5) / kSide));
    }
  }
  return rows;
}

// Cosine coefficients of frequencies 10 .. 25 on both axes.
Coefficients middle_frequencies(const StructureMap& map) {
  static const Basis basis = cosine_basis();
  Basis down{};
  for (std::size_t v = 0; v < kHashSide; ++v) {
    for (std::size_t y = 0; y < kStructureSide; ++y) {
      for (std::size_t x = 0; x < kStructureSide; ++x) down[v][x] += basis[v][y] * map[y * kStructureSide + x];
    }
  }
  Coefficients out{};
  for (std::size_t v = 0; v < kHashSide; ++v) {
    for (std::size_t u = 0; u < kHashSide; ++u) {
      double sum = 0;
      for (std::size_t x = 0; x < kStructureSide; ++x) {
        sum += static_cast<double>(basis[u][x]) * static_cast<double>(down[v][x]);
      }
      out[v * kHashSide + u] = static_cast<float>(sum);
    }
  }
  return out;
}

FingerprintBits sign_bits(const Coefficients& coefficients) {
  FingerprintBits bits{};
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    if (coefficients[i] > 0) bits[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  return bits;
}

int differing_bits(const FingerprintBits& a, const FingerprintBits& b) {
  int count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += std::popcount(a[i] ^ b[i]);
  return count;
}

int distance(const ImageFingerprint& a, const ImageFingerprint& b) {
  return std::min(differing_bits(a.bits, b.bits), differing_bits(a.bits, b.mirrored_bits));
}

cv::Mat blurred(const cv::Mat& image, double sigma_px) {
  cv::Mat out;
  cv::GaussianBlur(image, out, cv::Size(), sigma_px, sigma_px, cv::BORDER_REPLICATE);
  return out;
}

cv::Mat box_mean(const cv::Mat& image, int side_px) {
  cv::Mat out;
  cv::blur(image, out, cv::Size(side_px, side_px), cv::Point(-1, -1), cv::BORDER_REPLICATE);
  return out;
}

}  // namespace

void NearDuplicateConfig::list_fields(FieldList& fields) {
  fields.choice("search", search, {{"on", NearDuplicateSearch::kOn}, {"off", NearDuplicateSearch::kOff}},
                "look for copies of one image in two splits");
  fields.add("most_hash_bits", most_hash_bits, Range{0, 256}, "fingerprints further apart are not compared");
  fields.add("least_correlation", least_correlation, Range{0.0, 1.0}, "structure maps from here on count as copies");
}

StructureMap structure_map(const GreyView& image) {
  constexpr double kBackgroundSigma_px = 1.5;
  constexpr int kNeighbourhood_px = 27;
  constexpr double kFlat_grey = 1;  // keeps noise of flat regions from being blown up
  std::vector<std::uint8_t> thumbnail(kStructureSide * kStructureSide);
  resize_grey(image, kSide, kSide, thumbnail);
  cv::Mat map;
  cv::Mat(kSide, kSide, CV_8U, thumbnail.data()).convertTo(map, CV_32F);

  // 1. Take away the local mean. 2. Divide by the local SD.
  map -= blurred(map, kBackgroundSigma_px);
  cv::Mat sd;
  cv::sqrt(box_mean(map.mul(map), kNeighbourhood_px), sd);
  map /= sd + kFlat_grey;
  StructureMap out(map.begin<float>(), map.end<float>());
  standardise(out);
  return out;
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
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

ImageFingerprint image_fingerprint(const StructureMap& map) {
  auto coefficients = middle_frequencies(map);
  ImageFingerprint fingerprint;
  fingerprint.bits = sign_bits(coefficients);
  // Mirroring turns the sign of the cosines with an odd number of half waves.
  static_assert(kFirstFrequency % 2 == 0 && kHashSide % 2 == 0);
  for (std::size_t i = 1; i < coefficients.size(); i += 2) coefficients[i] = -coefficients[i];
  fingerprint.mirrored_bits = sign_bits(coefficients);
  return fingerprint;
}

ImageFingerprint image_fingerprint(const GreyView& image) { return image_fingerprint(structure_map(image)); }

std::vector<IndexPair> close_pairs(std::span<const Split> splits, std::span<const ImageFingerprint> fingerprints,
                                   int most_hash_bits) {
  if (splits.size() != fingerprints.size()) throw InternalError("close_pairs: one split a fingerprint");
  // Grouped by split, so that the inner loop runs over neighbours in memory and never meets a pair of one split.
  std::vector<std::size_t> order(splits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return splits[a] < splits[b]; });
  std::vector<ImageFingerprint> grouped;
  std::vector<std::size_t> group_end(order.size());
  for (const std::size_t i : order) grouped.push_back(fingerprints[i]);
  for (std::size_t i = order.size(); i-- > 0;) {
    const bool last = i + 1 == order.size() || splits[order[i + 1]] != splits[order[i]];
    group_end[i] = last ? i + 1 : group_end[i + 1];
  }
  tbb::enumerable_thread_specific<std::vector<IndexPair>> found;
  tbb::parallel_for(std::size_t{0}, grouped.size(), [&](std::size_t i) {
    const ImageFingerprint& one = grouped[i];
    auto& mine = found.local();
    for (std::size_t k = group_end[i]; k < grouped.size(); ++k) {
      if (distance(one, grouped[k]) <= most_hash_bits) mine.push_back(std::minmax(order[i], order[k]));
    }
  });
  std::vector<IndexPair> pairs;
  for (const auto& part : found) pairs.insert(pairs.end(), part.begin(), part.end());
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

NearDuplicateReport check_near_duplicates(std::span<const SourceSample> samples,
                                          std::span<const ImageFingerprint> fingerprints,
                                          const NearDuplicateConfig& config,
                                          const std::function<StructureMap(std::size_t)>& structure_of) {
  NearDuplicateReport report;
  if (config.search == NearDuplicateSearch::kOff) return report;
  std::vector<Split> splits;
  for (const SourceSample& sample : samples) splits.push_back(sample.split);
  std::optional<std::size_t> first_index;
  StructureMap first;
  for (const auto& [i, k] : close_pairs(splits, fingerprints, config.most_hash_bits)) {
    ++report.candidate_pairs;
    if (first_index != i) first_index = i, first = structure_of(i);
    const StructureMap second = structure_of(k);
    const double alike = std::max(correlation(first, second), correlation(first, mirrored(second)));
    if (alike >= config.least_correlation) {
      throw DataError(
          fmt::format("the same image, altered, is in two splits: {} ({}) and {} ({}), structure "
                      "correlation {:.3f}; remove one",
                      samples[i].path.string(), to_string(samples[i].split), samples[k].path.string(),
                      to_string(samples[k].split), alike));
    }
    report.largest_correlation = std::max(report.largest_correlation, alike);
  }
  return report;
}

}  // namespace genu::pipeline
