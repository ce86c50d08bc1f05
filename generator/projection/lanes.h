// Eight floats side by side, in the compiler's vector types: one AVX register; on processors without, the compiler
// splits it. Arithmetic is that of single floats, element by element, so results do not depend on the processor.
#pragma once

#include <cmath>
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

// The first `count` of them; the rest is 0, or left alone. Requires 0 <= count <= kLanes.
inline Floats load_lanes(const float* from, int count) {
  if (count == kLanes) return load_lanes(from);
  Floats value{};
  std::memcpy(&value, from, sizeof(float) * static_cast<std::size_t>(count));
  return value;
}
inline void store_lanes(const Floats& value, float* to, int count) {
  if (count == kLanes) return store_lanes(value, to);
  std::memcpy(to, &value, sizeof(float) * static_cast<std::size_t>(count));
}

// The same value in every lane.
inline Floats all_lanes(float value) { return Floats{} + value; }
// 0, 1, 2, ...
inline Floats lane_numbers() { return Floats{0, 1, 2, 3, 4, 5, 6, 7}; }

// The functions of the formulas, for one float and for many.
inline float least(float a, float b) { return a < b ? a : b; }
inline float most(float a, float b) { return a > b ? a : b; }
inline float magnitude(float a) { return std::abs(a); }
inline float square_root(float a) { return std::sqrt(a); }

inline Floats least(const Floats& a, const Floats& b) { return a < b ? a : b; }
inline Floats most(const Floats& a, const Floats& b) { return a > b ? a : b; }
inline Floats least(const Floats& a, float b) { return least(a, all_lanes(b)); }
inline Floats most(const Floats& a, float b) { return most(a, all_lanes(b)); }
inline Floats magnitude(const Floats& a) {
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(a) & std::int32_t{0x7FFFFFFF});
}
inline Floats square_root(const Floats& a) {
  Floats root;
  for (int i = 0; i < kLanes; ++i) root[i] = std::sqrt(a[i]);
  return root;
}

// Calls f(first, count) for runs of at most kLanes that together cover [begin, end).
template <class F>
void for_lanes(int begin, int end, const F& f) {
  int first = begin;
  for (; first + kLanes <= end; first += kLanes) f(first, kLanes);
  if (first < end) f(first, end - first);
}

}  // namespace genu::generator
