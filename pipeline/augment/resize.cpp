#include "pipeline/augment/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

// Weights of the source pixels that make each output pixel of one axis.
struct AxisWeights {
  struct Run {
    std::size_t first_source = 0;
    std::size_t first_weight = 0;
    std::size_t count = 0;
  };
  std::vector<Run> runs;  // one an output pixel
  std::vector<float> weights;
};

// Overlap of output pixel i, mapped onto the source axis, with each source pixel.
void add_area_run(int from, int to, int i, AxisWeights& axis) {
  const double scale = static_cast<double>(from) / to;
  const double begin = i * scale;
  const double end = std::min(begin + scale, static_cast<double>(from));
  const int first = static_cast<int>(begin);
  const int last = std::min(static_cast<int>(std::ceil(end)), from);
  axis.runs.push_back({static_cast<std::size_t>(first), axis.weights.size(), static_cast<std::size_t>(last - first)});
  for (int s = first; s < last; ++s) {
    const double overlap = std::min(end, s + 1.0) - std::max(begin, static_cast<double>(s));
    axis.weights.push_back(static_cast<float>(overlap / scale));
  }
}

void add_bilinear_run(int from, int to, int i, AxisWeights& axis) {
  const double at = std::clamp((i + 0.5) * from / to - 0.5, 0.0, from - 1.0);
  const int first = std::min(static_cast<int>(at), std::max(from - 2, 0));
  const double part = at - first;
  axis.runs.push_back({static_cast<std::size_t>(first), axis.weights.size(), from > 1 ? 2u : 1u});
  axis.weights.push_back(static_cast<float>(1 - part));
  if (from > 1) axis.weights.push_back(static_cast<float>(part));
}

AxisWeights axis_weights(int from, int to) {
  AxisWeights axis;
  for (int i = 0; i < to; ++i) {
    if (to < from) {
      add_area_run(from, to, i, axis);
    } else {
      add_bilinear_run(from, to, i, axis);
    }
  }
  return axis;
}

// Rows first: whole source rows are added up, which vectorises.
void blend_rows(const GreyView& image, const AxisWeights& axis, std::size_t output_row, std::vector<float>& row) {
  const auto width = static_cast<std::size_t>(image.width_px);
  const AxisWeights::Run& run = axis.runs[output_row];
  std::fill(row.begin(), row.end(), 0.0f);
  for (std::size_t k = 0; k < run.count; ++k) {
    const float weight = axis.weights[run.first_weight + k];
    const std::uint8_t* source = image.pixels + (run.first_source + k) * width;
    for (std::size_t x = 0; x < width; ++x) row[x] += weight * static_cast<float>(source[x]);
  }
}

}  // namespace

void resize_grey(const GreyView& image, int to_height_px, int to_width_px, std::span<std::uint8_t> out) {
  const auto width = static_cast<std::size_t>(to_width_px);
  if (out.size() != static_cast<std::size_t>(to_height_px) * width) throw InternalError("resize_grey: wrong size");
  const AxisWeights down = axis_weights(image.height_px, to_height_px);
  const AxisWeights across = axis_weights(image.width_px, to_width_px);
  std::vector<float> row(static_cast<std::size_t>(image.width_px));
  for (std::size_t y = 0; y < static_cast<std::size_t>(to_height_px); ++y) {
    blend_rows(image, down, y, row);
    for (std::size_t x = 0; x < width; ++x) {
      const AxisWeights::Run& run = across.runs[x];
      float sum = 0;
      for (std::size_t k = 0; k < run.count; ++k) {
        sum += across.weights[run.first_weight + k] * row[run.first_source + k];
      }
      out[y * width + x] = static_cast<std::uint8_t>(std::clamp(sum + 0.5f, 0.0f, 255.0f));
    }
  }
}

}  // namespace genu::pipeline
