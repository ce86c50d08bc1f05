// Exponential and logarithm in single precision that compilers vectorise and that give the same bits on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace genu::generator {

// By value: std::min and std::max return references, which keep some loops from vectorising.
inline float smaller(float a, float b) { return a < b ? a : b; }
inline float larger(float a, float b) { return a > b ? a : b; }

// e^x, relative error < 3e-6 for -20 <= x <= 20; clamped outside.
inline float fast_exp(float x) {
  const float scaled = smaller(larger(x, -80.0f), 80.0f) * 1.44269504f;
  const auto whole = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5f : 0.5f));
  const float f = (scaled - static_cast<float>(whole)) * 0.693147181f;  // |f| <= 0.347
  const float p =
      1.0f + f * (1.0f + f * (0.5f + f * (0.16666667f + f * (0.041666667f + f * (0.0083333333f + f * 0.0013888889f)))));
  return p * std::bit_cast<float>((whole + 127) << 23);
}

// Natural logarithm, absolute error < 2e-6 for x in [1e-30, 1e30]. Requires x > 0.
inline float fast_log(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - 0x3F3504F3) >> 23;  // mantissa in [sqrt(1/2), sqrt(2))
  const float m = std::bit_cast<float>(bits - (exponent << 23));
  const float s = (m - 1.0f) / (m + 1.0f);
  const float s2 = s * s;
  const float series = 2.0f * s * (1.0f + s2 * (0.33333333f + s2 * (0.2f + s2 * (0.14285714f + s2 * 0.11111111f))));
  return series + static_cast<float>(exponent) * 0.693147181f;
}

// 0 below `low`, 1 above `high`, smooth between. Requires low < high.
inline float smooth_ramp(float low, float high, float x) {
  const float t = smaller(larger((x - low) / (high - low), 0.0f), 1.0f);
  return t * t * (3.0f - 2.0f * t);
}

}  // namespace genu::generator
