#include "generator/projection/habitus.h"

#include <algorithm>

#include "core/errors.h"

namespace genu::generator {

namespace {
constexpr int kCells = 64;
}

HabitusMap::HabitusMap(const std::vector<double>& weights) {
  if (weights.empty()) return;
  if (weights.size() != kHabitusWaves * kHabitusWaves) throw InternalError("HabitusMap: wrong number of weights");
  const auto wave = [](std::size_t k, int cell) { return habitus_wave(k, (cell + 0.5) / kCells); };
  table_.reset(kCells, kCells, 0.0f);
  for (int y = 0; y < kCells; ++y) {
    for (int x = 0; x < kCells; ++x) {
      double sum = 0;
      for (std::size_t j = 0; j < kHabitusWaves; ++j) {
        for (std::size_t i = 0; i < kHabitusWaves; ++i) {
          sum += weights[j * kHabitusWaves + i] * wave(i, x) * wave(j, y);
        }
      }
      table_.at(x, y) = static_cast<float>(std::clamp(sum, -0.5, 0.5));
    }
  }
}

float HabitusMap::at(float x_mm, float y_mm) const {
  const float fx = std::clamp((x_mm - kHabitusMedialMm) * (kCells / kHabitusWidthMm) - 0.5f, 0.0f, kCells - 1.001f);
  const float fy = std::clamp((kHabitusTopMm - y_mm) * (kCells / kHabitusHeightMm) - 0.5f, 0.0f, kCells - 1.001f);
  const int x = static_cast<int>(fx), y = static_cast<int>(fy);
  const float tx = fx - static_cast<float>(x), ty = fy - static_cast<float>(y);
  const float* a = table_.row(y) + x;
  const float* b = table_.row(y + 1) + x;
  const float upper = a[0] + tx * (a[1] - a[0]), lower = b[0] + tx * (b[1] - b[0]);
  return upper + ty * (lower - upper);
}

}  // namespace genu::generator
