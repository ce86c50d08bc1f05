// A coarse image read at every pixel: bilinear between the middles of its cells, flat beyond the outermost.
#pragma once

#include <vector>

#include "generator/projection/image.h"

namespace genu::generator {

class Upsampler {
 public:
  // Each cell covers `cell_px` x `cell_px` pixels. `coarse`, at least 1 x 1, must outlive the object.
  Upsampler(const Image<float>& coarse, int cell_px, int width_px);

  // `width_px` values, good until the next call.
  const float* row(int y);

 private:
  struct Step {
    int cell;     // and its neighbour at cell + next
    int next;     // 0 where there is one cell only
    float share;  // of the neighbour
  };
  static Step step(int pixel, int cell_px, int cells);

  const Image<float>* coarse_;
  int cell_px_;
  std::vector<Step> columns_;
  std::vector<float> between_;  // two rows of cells mixed
  std::vector<float> line_;
};

// Adds `coarse` to every pixel of `image`.
void add_upsampled(const Image<float>& coarse, int cell_px, Image<float>& image);

}  // namespace genu::generator
