// Exponential and logarithm in single precision that compilers vectorise and that give the same bits on every machine.
#pragma once

#include <bit>
#include <cstdint>

namespace genu::generator {

// By value: std::min and std::max return references, which keep some loops from vectorising.
inline float smaller(float a, float b) { return a < b ? a : b; }
inline float larger(float a, float b) { return a > b ? a : b; }
inline double smaller(double a, double b) { return a < b ? a : b; }
inline double larger(double a, double b) { return a > b ? a : b; }

// 2^x, relative error < 4e-7, exactly 1 at 0; clamped to -126 .. 126.
inline float fast_exp2(float x) {
  const float held = smaller(larger(x, -126.0f), 126.0f);
  const float shifted = held + 12582912.0f;  // 1.5 * 2^23: the sum's last bits are the nearest whole number
  const float f = held - (shifted - 12582912.0f);
  // Least relative error of 2^f over |f| <= 1/2 with the value 1 at 0.
  const float p =
      1.0f + f * (0.6931466f + f * (0.24022166f + f * (0.055510474f + f * (0.009674952f + f * 0.0013202982f))));
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23));
}

// e^x, relative error < 3e-6 for -20 <= x <= 20; clamped to 2^-126 .. 2^126.
inline float fast_exp(float x) { return fast_exp2(x * 1.44269504f); }

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
