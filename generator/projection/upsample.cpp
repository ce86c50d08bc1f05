#include "generator/projection/upsample.h"

#include <algorithm>

namespace genu::generator {

Upsampler::Step Upsampler::step(int pixel, int cell_px, int cells) {
  const float at = std::clamp((static_cast<float>(pixel) + 0.5f) / static_cast<float>(cell_px) - 0.5f, 0.0f,
                              static_cast<float>(cells - 1));
  const int cell = std::min(static_cast<int>(at), std::max(0, cells - 2));
  return {cell, cells > 1 ? 1 : 0, at - static_cast<float>(cell)};
}

Upsampler::Upsampler(const Image<float>& coarse, int cell_px, int width_px)
    : coarse_(&coarse), cell_px_(cell_px), between_(static_cast<std::size_t>(coarse.width_px)) {
  line_.resize(static_cast<std::size_t>(width_px));
  columns_.reserve(line_.size());
  for (int x = 0; x < width_px; ++x) columns_.push_back(step(x, cell_px, coarse.width_px));
}

const float* Upsampler::row(int y) {
  const Step down = step(y, cell_px_, coarse_->height_px);
  const float* a = coarse_->row(down.cell);
  const float* b = coarse_->row(down.cell + down.next);
  for (std::size_t i = 0; i < between_.size(); ++i) between_[i] = a[i] + down.share * (b[i] - a[i]);
  for (std::size_t x = 0; x < line_.size(); ++x) {
    const float* left = between_.data() + columns_[x].cell;
    line_[x] = *left + columns_[x].share * (left[columns_[x].next] - *left);
  }
  return line_.data();
}

void add_upsampled(const Image<float>& coarse, int cell_px, Image<float>& image) {
  Upsampler fine(coarse, cell_px, image.width_px);
  for (int y = 0; y < image.height_px; ++y) {
    const float* more = fine.row(y);
    float* out = image.row(y);
    for (int x = 0; x < image.width_px; ++x) out[x] += more[x];
  }
}

}  // namespace genu::generator
