// Polychromatic attenuation of bone and soft tissue as seen by an energy-integrating CsI detector.
#pragma once

#include <array>
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

// The same as a polynomial in the path lengths, fitted once a tube voltage; beam hardening is its curvature.
// Within 0.2 % of the integral for bone 0-60 mm, soft 0-200 mm, fat 0-120 mm (tests/generator/attenuation_test.cpp).
class AttenuationModel {
 public:
  explicit AttenuationModel(double tube_voltage_kvp);
  double tube_voltage_kvp() const { return tube_voltage_kvp_; }

  // -ln(detected / open), >= 0.
  float operator()(float bone_mm, float soft_mm, float fat_mm) const {
    const float b = bone_mm;
    const float s = soft_mm + fat_as_soft_ * fat_mm;
    const auto& c = coefficients_;
    return b * (c[0] + b * (c[1] + b * (c[2] + b * c[3]))) + s * (c[4] + s * (c[5] + s * (c[6] + s * c[7]))) +
           b * s * (c[8] + b * (c[9] + b * c[10]) + s * (c[11] + s * c[12]) + b * s * c[13]) +
           fat_mm * (c[14] + c[15] * b + c[16] * s);
  }

 private:
  static constexpr std::size_t kTerms = 17;
  double tube_voltage_kvp_;
  float fat_as_soft_ = 0;  // millimetres of muscle with fat's low-energy attenuation
  std::array<float, kTerms> coefficients_{};
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
