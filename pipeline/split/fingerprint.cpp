#include "pipeline/split/fingerprint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <numeric>
#include <span>

#include "pipeline/augment/resize.h"

namespace genu::pipeline {

namespace {

constexpr std::size_t kSide = kStructureSide;
constexpr std::size_t kPixels = kSide * kSide;
constexpr std::size_t kHashSide = 16;        // 16 x 16 coefficients = 256 bits
constexpr std::size_t kFirstFrequency = 10;  // half waves across the map

using Plane = std::array<float, kPixels>;
using Coefficients = std::array<float, kHashSide * kHashSide>;

// Sixteen neighbours of a row, or all frequencies of one axis (vectors are a GCC and Clang extension that any processor
// can run; written out because GCC 12 keeps the sums of plain loops in memory).
constexpr std::size_t kLanes = 16;
static_assert(kSide % kLanes == 0 && kHashSide == kLanes);
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}
void store(const Lanes& lanes, float* to) { std::memcpy(to, &lanes, sizeof lanes); }

// Used again from image to image; each thread has its own.
struct Scratch {
  Plane map{};
  Plane columns{};  // filtered down the columns, not yet along the rows
};

// y + step, held inside the map: edges are replicated.
std::size_t row_at(std::size_t y, std::ptrdiff_t step) {
  return static_cast<std::size_t>(
      std::clamp(static_cast<std::ptrdiff_t>(y) + step, std::ptrdiff_t{0}, static_cast<std::ptrdiff_t>(kSide) - 1));
}

// A row with `Reach` copies of its ends on either side.
template <std::size_t Reach>
std::array<float, kSide + 2 * Reach> padded(const float* row) {
  std::array<float, kSide + 2 * Reach> out;
  std::fill_n(out.begin(), Reach, row[0]);
  std::copy_n(row, kSide, out.begin() + Reach);
  std::fill_n(out.begin() + Reach + kSide, Reach, row[kSide - 1]);
  return out;
}

constexpr std::size_t kBlurReach = 6;  // four sigma

// Weights of a Gaussian of 1.5 px at distances 0 .. 6; both sides together sum to one.
std::array<float, kBlurReach + 1> gaussian() {
  constexpr double kSigma_px = 1.5;
  std::array<double, kBlurReach + 1> weights{};
  double sum = 0;
  for (std::size_t d = 0; d < weights.size(); ++d) {
    weights[d] = std::exp(-static_cast<double>(d * d) / (2 * kSigma_px * kSigma_px));
    sum += d == 0 ? weights[d] : 2 * weights[d];
  }
  std::array<float, kBlurReach + 1> out{};
  for (std::size_t d = 0; d < out.size(); ++d) out[d] = static_cast<float>(weights[d] / sum);
  return out;
}

void take_away_local_mean(Scratch& scratch) {
  static const auto weights = gaussian();
  for (std::size_t y = 0; y < kSide; ++y) {
    std::array<const float*, 2 * kBlurReach + 1> rows;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const auto step = static_cast<std::ptrdiff_t>(k) - static_cast<std::ptrdiff_t>(kBlurReach);
      rows[k] = scratch.map.data() + row_at(y, step) * kSide;
    }
    for (std::size_t x = 0; x < kSide; x += kLanes) {
      Lanes sum = weights[0] * load(rows[kBlurReach] + x);
      for (std::size_t d = 1; d <= kBlurReach; ++d) {
        sum += weights[d] * (load(rows[kBlurReach - d] + x) + load(rows[kBlurReach + d] + x));
      }
      store(sum, &scratch.columns[y * kSide + x]);
    }
  }
  for (std::size_t y = 0; y < kSide; ++y) {
    const auto row = padded<kBlurReach>(&scratch.columns[y * kSide]);
    float* out = &scratch.map[y * kSide];
    for (std::size_t x = 0; x < kSide; x += kLanes) {
      const float* centre = row.data() + x + kBlurReach;
      Lanes sum = weights[0] * load(centre);
      for (std::size_t d = 1; d <= kBlurReach; ++d) sum += weights[d] * (load(centre - d) + load(centre + d));
      store(load(out + x) - sum, out + x);
    }
  }
}

constexpr std::size_t kBoxReach = 13;
constexpr std::size_t kBoxSide = 2 * kBoxReach + 1;
using PaddedRow = std::array<float, kSide + 2 * kBoxReach>;

// out[x] = sum of the 27 padded pixels from x on, by doubling: 27 = 8 + 8 + 8 + 2 + 1.
void sums_of_box(const PaddedRow& one, float* out) {
  constexpr std::size_t kSlack = kLanes;  // the last vectors reach behind the row
  std::array<float, kSide + 2 * kBoxReach + kSlack> pairs{};
  std::array<float, kSide + 2 * kBoxReach + kSlack> fours{};
  for (std::size_t x = 0; x + 1 < one.size(); ++x) pairs[x] = one[x] + one[x + 1];
  for (std::size_t x = 0; x < one.size(); x += kLanes) {
    store(load(&pairs[x]) + load(pairs.data() + x + 2), &fours[x]);
  }
  for (std::size_t x = 0; x < kSide; x += kLanes) {
    Lanes sum = load(pairs.data() + x + 24) + load(one.data() + x + 26);
    for (std::size_t k = 0; k < 24; k += 4) sum += load(fours.data() + x + k);
    store(sum, out + x);
  }
}

void divide_by_local_sd(Scratch& scratch) {
  constexpr float kFlat_grey = 1;  // keeps noise of flat regions from being blown up
  constexpr float kShare = 1.0f / (kBoxSide * kBoxSide);
  for (std::size_t y = 0; y < kSide; ++y) {
    auto row = padded<kBoxReach>(&scratch.map[y * kSide]);
    for (float& value : row) value *= value;
    sums_of_box(row, &scratch.columns[y * kSide]);
  }
  std::array<float, kSide> sum{};
  const auto add_row = [&](std::size_t row, float sign) {
    for (std::size_t x = 0; x < kSide; ++x) sum[x] += sign * scratch.columns[row * kSide + x];
  };
  constexpr auto kReach = static_cast<std::ptrdiff_t>(kBoxReach);
  for (std::ptrdiff_t step = -kReach; step <= kReach; ++step) add_row(row_at(0, step), 1.0f);
  for (std::size_t y = 0; y < kSide; ++y) {
    float* out = &scratch.map[y * kSide];
    for (std::size_t x = 0; x < kSide; ++x) out[x] /= std::sqrt(std::max(sum[x], 0.0f) * kShare) + kFlat_grey;
    add_row(row_at(y, kReach + 1), 1.0f);
    add_row(row_at(y, -kReach), -1.0f);
  }
}

// The map before it is brought to zero mean and unit length, which no sign depends on.
const Plane& raw_map(const GreyView& image) {
  thread_local const auto kept = std::make_unique<Scratch>();
  constexpr int kSide_px = static_cast<int>(kSide);
  resize_grey(image, kSide_px, kSide_px, std::span<float>(kept->map));
  take_away_local_mean(*kept);
  divide_by_local_sd(*kept);
  return kept->map;
}

// basis[x][u]: cosine of u + kFirstFrequency half waves at pixel x.
using Basis = std::array<std::array<float, kHashSide>, kSide>;

Basis cosine_basis() {
  Basis basis{};
  for (std::size_t x = 0; x < kSide; ++x) {
    for (std::size_t u = 0; u < kHashSide; ++u) {
      basis[x][u] = static_cast<float>(std::cos(std::numbers::pi * static_cast<double>(u + kFirstFrequency) *
                                                (static_cast<double>(x) + 0.5) / static_cast<double>(kSide)));
    }
  }
  return basis;
}

// Coefficient (v, u) at [v * kHashSide + u].
Coefficients middle_frequencies(const Plane& map) {
  static const Basis basis = cosine_basis();
  // Four rows at once: four sums that do not wait for each other.
  constexpr std::size_t kTogether = 4;
  std::array<Lanes, kSide> across;
  for (std::size_t y = 0; y < kSide; y += kTogether) {
    std::array<Lanes, kTogether> sums{};
    for (std::size_t x = 0; x < kSide; ++x) {
      const Lanes waves = load(basis[x].data());
      for (std::size_t k = 0; k < kTogether; ++k) sums[k] += waves * map[(y + k) * kSide + x];
    }
    std::copy(sums.begin(), sums.end(), across.begin() + static_cast<std::ptrdiff_t>(y));
  }
  Coefficients out;
  for (std::size_t v = 0; v < kHashSide; v += kTogether) {
    std::array<Lanes, kTogether> sums{};
    for (std::size_t y = 0; y < kSide; ++y) {
      for (std::size_t k = 0; k < kTogether; ++k) sums[k] += across[y] * basis[y][v + k];
    }
    for (std::size_t k = 0; k < kTogether; ++k) store(sums[k], &out[(v + k) * kHashSide]);
  }
  return out;
}

FingerprintBits sign_bits(const Coefficients& coefficients) {
  FingerprintBits bits{};
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    bits[i / 64] |= std::uint64_t{coefficients[i] > 0 ? 1u : 0u} << (i % 64);
  }
  return bits;
}

}  // namespace

StructureMap structure_map(const GreyView& image) {
  const Plane& raw = raw_map(image);
  StructureMap map(raw.begin(), raw.end());
  const double mean = std::accumulate(map.begin(), map.end(), 0.0) / static_cast<double>(map.size());
  double squares = 0;
  for (float& value : map) {
    value -= static_cast<float>(mean);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0f;
  for (float& value : map) value *= scale;
  return map;
}

StructureMap mirrored(const StructureMap& map) {
  StructureMap out = map;
  for (std::size_t y = 0; y < kSide; ++y) {
    const auto row = out.begin() + static_cast<std::ptrdiff_t>(y * kSide);
    std::reverse(row, row + static_cast<std::ptrdiff_t>(kSide));
  }
  return out;
}

double correlation(const StructureMap& a, const StructureMap& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

double likeness(const StructureMap& a, const StructureMap& b) {
  return std::max(correlation(a, b), correlation(a, mirrored(b)));
}

ImageFingerprint image_fingerprint(const GreyView& image) {
  auto coefficients = middle_frequencies(raw_map(image));
  ImageFingerprint fingerprint;
  fingerprint.bits = sign_bits(coefficients);
  // Mirroring turns the sign of the cosines with an odd number of half waves.
  static_assert(kFirstFrequency % 2 == 0 && kHashSide % 2 == 0);
  for (std::size_t i = 1; i < coefficients.size(); i += 2) coefficients[i] = -coefficients[i];
  fingerprint.mirrored_bits = sign_bits(coefficients);
  return fingerprint;
}

}  // namespace genu::pipeline
