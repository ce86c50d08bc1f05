// Polychromatic attenuation of bone and soft tissue as seen by an energy-integrating CsI detector.
#pragma once

#include <algorithm>
#include <vector>

namespace genu::generator {

// Path lengths of the three base materials, millimetres.
struct MaterialPath {
  double bone_mm = 0;  // cortical bone, 1.92 g/cm3
  double soft_mm = 0;  // muscle, 1.05 g/cm3
  double fat_mm = 0;   // adipose tissue and yellow marrow, 0.95 g/cm3
};

// -ln(detected / open) by direct integration over the spectrum in 1 keV steps: Kramers' bremsstrahlung, 3 mm of
// aluminium, NIST attenuation (spec 5.2), 0.5 mm CsI. Exact for the model; slow.
double integrated_attenuation(double tube_voltage_kvp, const MaterialPath& path);

// The same from a table over two base materials, made once a tube voltage and read bilinearly. Fat is written as so
// much muscle less a little bone, which diagnostic energies allow. Within 0.3 % of the integral for bone up to 60 mm,
// muscle up to 200 mm and fat up to 100 mm (tests/generator/attenuation_test.cpp).
class AttenuationModel {
 public:
  explicit AttenuationModel(double tube_voltage_kvp);
  double tube_voltage_kvp() const { return tube_voltage_kvp_; }

  // -ln(detected / open), >= 0. Paths beyond the table are held at its edge.
  float operator()(float bone_mm, float soft_mm, float fat_mm) const {
    const float b = (bone_mm + fat_as_bone_ * fat_mm - kLeastBoneMm) * (1.0f / kBoneStepMm);
    const float s = (soft_mm + fat_as_soft_ * fat_mm) * (1.0f / kSoftStepMm);
    const float held_b = std::min(std::max(b, 0.0f), static_cast<float>(kBoneCount - 1) - 0.001f);
    const float held_s = std::min(std::max(s, 0.0f), static_cast<float>(kSoftCount - 1) - 0.001f);
    const auto i = static_cast<int>(held_b);
    const auto j = static_cast<int>(held_s);
    const float u = held_b - static_cast<float>(i), v = held_s - static_cast<float>(j);
    const float* cell = table_.data() + i * kSoftCount + j;
    const float low = cell[0] + v * (cell[1] - cell[0]);
    const float high = cell[kSoftCount] + v * (cell[kSoftCount + 1] - cell[kSoftCount]);
    return low + u * (high - low);
  }

 private:
  static constexpr float kLeastBoneMm = -6, kBoneStepMm = 1, kSoftStepMm = 2;
  static constexpr int kBoneCount = 80, kSoftCount = 170;
  double tube_voltage_kvp_;
  float fat_as_bone_ = 0;  // millimetres of each base material that one millimetre of fat equals
  float fat_as_soft_ = 0;
  std::vector<float> table_;  // [kBoneCount, kSoftCount]
};

// One model a whole kilovolt of [low, high].
class AttenuationBank {
 public:
  AttenuationBank(int low_kvp, int high_kvp);
  // The nearest one.
  const AttenuationModel& at(double tube_voltage_kvp) const;

 private:
  int low_kvp_;
  std::vector<AttenuationModel> models_;
};

}  // namespace genu::generator
