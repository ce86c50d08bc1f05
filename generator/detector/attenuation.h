// Polychromatic attenuation of bone and soft tissue as seen by an energy-integrating CsI detector.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "generator/projection/vector_math.h"

namespace genu::generator {

// Path lengths of the three base materials, millimetres.
struct MaterialPath {
  double bone_mm = 0;  // cortical bone, 1.92 g/cm3
  double soft_mm = 0;  // muscle, 1.05 g/cm3
  double fat_mm = 0;   // adipose tissue and yellow marrow, 0.95 g/cm3
};

// One line of the beam: its share of the open signal and the linear attenuation it meets, 1/mm.
struct BeamLine {
  double weight = 0;
  double bone = 0, soft = 0, fat = 0;
};

// The beam in 1 keV steps: Kramers' bremsstrahlung, 3 mm of aluminium, NIST attenuation (spec 5.2), 0.5 mm CsI. Weights
// add up to 1. Throws InternalError outside 40 .. 80 kVp.
std::vector<BeamLine> beam_lines(double tube_voltage_kvp);

// -ln(detected / open) by direct integration over those lines. Exact for the model; slow.
double integrated_attenuation(double tube_voltage_kvp, const MaterialPath& path);

// The whole kilovolts that have an AttenuationModel.
inline constexpr int kLeastTubeVoltageKvp = 55, kMostTubeVoltageKvp = 80;
inline constexpr std::size_t kEffectiveLineCount = 5;

// The same from a few effective lines, fitted to the integral once for every tube voltage (bench/fit_beam.cpp): a
// quadrature of the spectrum whose nodes are free, so no table to look up and one exponential a line. The attenuation
// lies within 0.02 % of the integral for bone up to 60 mm, muscle up to 200 mm and fat up to 100 mm
// (tests/generator/attenuation_test.cpp), and goes on smoothly beyond.
class AttenuationModel {
 public:
  // Throws InternalError outside the range above.
  explicit AttenuationModel(int tube_voltage_kvp);
  int tube_voltage_kvp() const { return tube_voltage_kvp_; }

  // detected / open, in (0, 1]. Paths >= 0, up to metres.
  float transmission(float bone_mm, float soft_mm, float fat_mm) const {
    float signal = 0;
    for (const Line& line : lines_) {
      signal += line.weight * fast_exp2(-(line.bone * bone_mm + line.soft * soft_mm + line.fat * fat_mm));
    }
    return signal;
  }

 private:
  struct Line {
    float weight, bone, soft, fat;  // attenuation in powers of 2 a millimetre
  };
  int tube_voltage_kvp_;
  std::array<Line, kEffectiveLineCount> lines_;
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
