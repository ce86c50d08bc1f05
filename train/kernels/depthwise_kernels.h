// Gradients of a depthwise 3 x 3 convolution with padding 1. LibTorch's library has no fast path for them in bfloat16
// at stride 2: four layers of MobileNetV2 took a third of its training step. Pure arithmetic on raw memory; fused_ops.h
// is the door.
#pragma once

#include <cstdint>

#include "train/kernels/lanes.h"

namespace genu::train::kernels {

// x is [n, height, width, channels], dy [n, out_height(), out_width(), channels], channels contiguous.
struct DepthwiseShape {
  std::int64_t n = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;  // a multiple of 8
  std::int64_t stride = 1;    // 1 or 2
  std::int64_t out_height() const { return (height - 1) / stride + 1; }
  std::int64_t out_width() const { return (width - 1) / stride + 1; }
};

// weight [9, channels] (row, then column of the kernel); dx [n, height, width, channels].
template <class T>
void depthwise_input_gradient(const T* dy, const float* weight, T* dx, const DepthwiseShape& shape);

// dweight [9, channels]. Summed image by image, in order, whatever the number of threads.
template <class T>
void depthwise_weight_gradient(const T* x, const T* dy, float* dweight, const DepthwiseShape& shape);

}  // namespace genu::train::kernels
