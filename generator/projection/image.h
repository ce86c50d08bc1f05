// A plane of pixels, row by row. A value: copying copies the pixels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace genu::generator {

template <class T>
struct Image {
  int width_px = 0;
  int height_px = 0;
  std::vector<T> pixels;

  Image() = default;
  Image(int width, int height, T value = T{})
      : width_px(width),
        height_px(height),
        pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), value) {}

  T* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px); }
  const T* row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width_px); }
  T& at(int x, int y) { return row(y)[x]; }
  const T& at(int x, int y) const { return row(y)[x]; }

  // Same size and value everywhere; keeps its memory.
  void reset(int width, int height, T value) {
    width_px = width;
    height_px = height;
    pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), value);
  }
  bool operator==(const Image&) const = default;
};

}  // namespace genu::generator
