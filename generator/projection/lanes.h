// Eight floats side by side, in the compiler's vector types: one AVX register; on processors without, the compiler
// splits it. Arithmetic is that of single floats, element by element, so results do not depend on the processor.
#pragma once

#include <cstdint>
#include <cstring>

namespace genu::generator {

inline constexpr int kLanes = 8;
typedef float Floats __attribute__((vector_size(sizeof(float) * kLanes)));
typedef std::int32_t Ints __attribute__((vector_size(sizeof(std::int32_t) * kLanes)));

inline Floats load_lanes(const float* from) {
  Floats value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
inline void store_lanes(const Floats& value, float* to) { std::memcpy(to, &value, sizeof value); }

// The same value in every lane.
inline Floats all_lanes(float value) { return Floats{} + value; }
// 0, 1, 2, ...
inline Floats lane_numbers() { return Floats{0, 1, 2, 3, 4, 5, 6, 7}; }

inline Floats smaller(const Floats& a, const Floats& b) { return a < b ? a : b; }
inline Floats larger(const Floats& a, const Floats& b) { return a > b ? a : b; }
inline Floats smaller(const Floats& a, float b) { return smaller(a, all_lanes(b)); }
inline Floats larger(const Floats& a, float b) { return larger(a, all_lanes(b)); }

}  // namespace genu::generator
