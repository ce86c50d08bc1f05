// Batch norm with the activation behind it, each pass over memory doing all it can: LibTorch's CPU operators read and
// write every activation about thirteen times a training step, these eight. Pure arithmetic on raw memory; fused_ops.h
// is the door.
//
// Arrays are [rows, channels], channels contiguous (an image batch in channels-last layout, rows = n * height * width).
// Sums are taken in blocks of rows that do not depend on the number of threads, so neither do the results.
#pragma once

#include <cstdint>
#include <vector>

#include "train/kernels/lanes.h"

namespace genu::train::kernels {

// SiLU has no fused form: fused_ops.h applies it behind kNone.
enum class Activation : std::uint8_t { kNone, kRelu, kRelu6, kSilu };

struct Rows {
  std::int64_t rows = 0;      // > 0
  std::int64_t channels = 0;  // > 0, a multiple of 8
};

// Mean and variance (divided by rows) of each channel.
struct Moments {
  std::vector<float> mean;
  std::vector<float> variance;
};
template <class T>
Moments moments(const T* x, Rows size);

// y = act(x * scale + shift). In place if y == x.
template <class T>
void scale_shift_act(const T* x, T* y, Rows size, const float* scale, const float* shift, Activation activation);

// What the backward pass of y = act(gamma (x - mean) / sd + beta) needs to know of the forward one.
struct NormForward {
  const float* scale;  // gamma / sd
  const float* shift;  // beta - mean * scale
  const float* mean;
  const float* inverse_sd;
};

struct NormGradients {
  std::vector<float> gamma;
  std::vector<float> beta;
};
// dy is the gradient by y; writes the gradient by x (which may be dy itself) and returns those by gamma and beta.
template <class T>
NormGradients norm_act_backward(const T* x, const T* dy, T* dx, Rows size, const NormForward& forward,
                                Activation activation);

}  // namespace genu::train::kernels
