// The population's mean soft tissue, as a departure from the model leg: a smooth map fitted to films.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "generator/projection/image.h"

namespace genu::generator {

// Waves a side of the map: habitus_wave(i, u) habitus_wave(j, v), i, j < kHabitusWaves.
inline constexpr std::size_t kHabitusWaves = 10;
// `share` of the way across, 0 .. 1.
inline double habitus_wave(std::size_t k, double share) {
  return std::cos(std::numbers::pi * static_cast<double>(k) * share);
}

// Where the map lies, for a femur of 80 mm; larger and smaller knees stretch it. Medial is u = 0, proximal v = 0.
inline constexpr float kHabitusMedialMm = -46, kHabitusWidthMm = 92;
inline constexpr float kHabitusTopMm = 54, kHabitusHeightMm = 92;

// Relative soft-tissue thickness over a knee: 0 where the model's leg is right, 0.1 where films show a tenth more.
class HabitusMap {
 public:
  // No departure.
  HabitusMap() = default;
  // kHabitusWaves^2 weights, row by row in j; empty is no departure. Throws InternalError for any other number.
  explicit HabitusMap(const std::vector<double>& weights);
  bool empty() const { return table_.pixels.empty(); }
  // `x_mm` lateral, `y_mm` proximal of the joint's centre, of a femur of 80 mm; held beyond the map. -0.5 .. 0.5.
  float at(float x_mm, float y_mm) const;

 private:
  Image<float> table_;
};

}  // namespace genu::generator
