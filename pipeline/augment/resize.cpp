#include "pipeline/augment/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

// The source pixels that make one output pixel of an axis.
struct Run {
  int first = 0;
  std::vector<float> weights;
};
using AxisWeights = std::vector<Run>;  // one an output pixel

// Overlap of output pixel i, mapped onto the source axis, with each source pixel.
Run area_run(int from, int to, int i) {
  const double scale = static_cast<double>(from) / to;
  const double begin = i * scale;
  const double end = std::min(begin + scale, static_cast<double>(from));
  const int last = std::min(static_cast<int>(std::ceil(end)), from);
  Run run{static_cast<int>(begin), {}};
  for (int s = run.first; s < last; ++s) {
    const double overlap = std::min(end, s + 1.0) - std::max(begin, static_cast<double>(s));
    run.weights.push_back(static_cast<float>(overlap / scale));
  }
  return run;
}

Run bilinear_run(int from, int to, int i) {
  const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
  const int first = std::min(static_cast<int>(at), std::max(from - 2, 0));
  const double part = at - first;
  if (from == 1) return {first, {1.0f}};
  return {first, {static_cast<float>(1 - part), static_cast<float>(part)}};
}

AxisWeights make_weights(int from, int to) {
  AxisWeights axis;
  for (int i = 0; i < to; ++i) axis.push_back(to < from ? area_run(from, to, i) : bilinear_run(from, to, i));
  return axis;
}

// The same few sizes come again from image to image.
class KeptWeights {
 public:
  const AxisWeights& of(int from, int to) {
    const auto [it, is_new] = kept_.try_emplace({from, to});
    if (is_new) it->second = make_weights(from, to);
    return it->second;
  }
  void forget_many() {
    constexpr std::size_t kMost = 16;
    if (kept_.size() > kMost) kept_.clear();
  }

 private:
  std::map<std::pair<int, int>, AxisWeights> kept_;
};

// Whole rows are added up, which vectorises. source: rows of `width`; out: axis.size() rows of `width`.
template <class Grey>
void blend_rows(const Grey* source, std::size_t width, const AxisWeights& axis, float* out) {
  for (const Run& run : axis) {
    const Grey* row = source + static_cast<std::size_t>(run.first) * width;
    for (std::size_t x = 0; x < width; ++x) out[x] = run.weights[0] * static_cast<float>(row[x]);
    for (std::size_t k = 1; k < run.weights.size(); ++k) {
      row += width;
      const float weight = run.weights[k];
      for (std::size_t x = 0; x < width; ++x) out[x] += weight * static_cast<float>(row[x]);
    }
    out += width;
  }
}

// Turns 8 x 8 numbers in three rounds of interleaving (vectors are a GCC and Clang extension).
constexpr std::size_t kTile = 8;
void transpose_tile(const float* from, std::size_t from_stride, float* to, std::size_t to_stride) {
  using Eight = float __attribute__((vector_size(32)));
  std::array<Eight, kTile> row;
  std::array<Eight, kTile> turned;
  for (std::size_t i = 0; i < kTile; ++i) std::memcpy(&row[i], from + i * from_stride, sizeof row[i]);
  for (std::size_t i = 0; i < kTile; i += 2) {
    turned[i] = __builtin_shufflevector(row[i], row[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    turned[i + 1] = __builtin_shufflevector(row[i], row[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (std::size_t i = 0; i < kTile; i += 4) {
    for (std::size_t k = 0; k < 2; ++k) {
      row[i + 2 * k] = __builtin_shufflevector(turned[i + k], turned[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      row[i + 2 * k + 1] = __builtin_shufflevector(turned[i + k], turned[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    turned[i] = __builtin_shufflevector(row[i], row[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    turned[i + 4] = __builtin_shufflevector(row[i], row[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  for (std::size_t i = 0; i < kTile; ++i) std::memcpy(to + i * to_stride, &turned[i], sizeof turned[i]);
}

// from: [height, width]; to: [width, height].
void transpose(const float* from, std::size_t height, std::size_t width, float* to) {
  const std::size_t whole_height = height / kTile * kTile;
  const std::size_t whole_width = width / kTile * kTile;
  for (std::size_t y = 0; y < whole_height; y += kTile) {
    for (std::size_t x = 0; x < whole_width; x += kTile) {
      transpose_tile(from + y * width + x, width, to + x * height + y, height);
    }
  }
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = y < whole_height ? whole_width : 0; x < width; ++x) to[x * height + y] = from[y * width + x];
  }
}

}  // namespace

void resize_grey(const GreyView& image, int to_height_px, int to_width_px, std::span<float> out) {
  const auto height = static_cast<std::size_t>(to_height_px);
  const auto width = static_cast<std::size_t>(to_width_px);
  const auto from_width = static_cast<std::size_t>(image.width_px);
  if (out.size() != height * width) throw InternalError("resize_grey: wrong size");
  thread_local KeptWeights kept;
  kept.forget_many();
  thread_local std::vector<float> blended;
  thread_local std::vector<float> turned;
  blended.resize(height * std::max(from_width, width));
  turned.resize(height * from_width);
  blend_rows(image.pixels, from_width, kept.of(image.height_px, to_height_px), blended.data());
  transpose(blended.data(), height, from_width, turned.data());
  blend_rows(turned.data(), height, kept.of(image.width_px, to_width_px), blended.data());
  transpose(blended.data(), width, height, out.data());
}

void resize_grey(const GreyView& image, int to_height_px, int to_width_px, std::span<std::uint8_t> out) {
  thread_local std::vector<float> grey;
  grey.resize(out.size());
  resize_grey(image, to_height_px, to_width_px, std::span<float>(grey));
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(std::clamp(grey[i] + 0.5f, 0.0f, 255.0f));
  }
}

}  // namespace genu::pipeline
