#include "generator/detector/attenuation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/errors.h"

namespace genu::generator {

namespace {

// Mass attenuation, cm2/g, NIST (spec 5.2 [S31]); 15 and 20 keV and aluminium from the same tables.
struct Knot {
  double energy_kev;
  double bone, muscle, fat, aluminium;
};
constexpr std::array<Knot, 7> kNist = {{{15, 9.032, 1.693, 1.083, 7.955},
                                        {20, 4.001, 0.8205, 0.5677, 3.441},
                                        {30, 1.331, 0.379, 0.3063, 1.128},
                                        {40, 0.6655, 0.2688, 0.2396, 0.5685},
                                        {50, 0.4242, 0.2264, 0.2123, 0.3681},
                                        {60, 0.3148, 0.2048, 0.1974, 0.2778},
                                        {80, 0.2229, 0.1823, 0.1800, 0.2018}}};
constexpr double kBoneDensity = 1.92, kMuscleDensity = 1.05, kFatDensity = 0.95, kAluminiumDensity = 2.699;
constexpr double kFilterMm = 3.0;

// CsI, cm2/g, with its K edges at 33.2 and 36.0 keV; 0.5 mm at 80 % packing.
struct ScintillatorKnot {
  double energy_kev;
  double csi;
};
constexpr std::array<ScintillatorKnot, 9> kCsi = {
    {{15, 49.0}, {20, 22.3}, {30, 7.45}, {33.1, 5.7}, {33.2, 21.0}, {36.1, 29.0}, {40, 22.3}, {60, 7.9}, {80, 3.68}}};
constexpr double kCsiGramsPerCm2 = 4.51 * 0.05 * 0.8;

double log_interpolate(double e, double e0, double v0, double e1, double v1) {
  const double t = std::log(e / e0) / std::log(e1 / e0);
  return std::exp(std::log(v0) + t * (std::log(v1) - std::log(v0)));
}

Knot coefficients_at(double energy_kev) {
  std::size_t i = 0;
  while (i + 2 < kNist.size() && energy_kev > kNist[i + 1].energy_kev) ++i;
  const Knot& a = kNist[i];
  const Knot& b = kNist[i + 1];
  const auto at = [&](double va, double vb) { return log_interpolate(energy_kev, a.energy_kev, va, b.energy_kev, vb); };
  return {energy_kev, at(a.bone, b.bone), at(a.muscle, b.muscle), at(a.fat, b.fat), at(a.aluminium, b.aluminium)};
}

double absorbed_share(double energy_kev) {
  std::size_t i = 0;
  while (i + 2 < kCsi.size() && energy_kev > kCsi[i + 1].energy_kev) ++i;
  const double mu =
      log_interpolate(energy_kev, kCsi[i].energy_kev, kCsi[i].csi, kCsi[i + 1].energy_kev, kCsi[i + 1].csi);
  return 1 - std::exp(-mu * kCsiGramsPerCm2);
}

}  // namespace

std::vector<BeamLine> beam_lines(double tube_voltage_kvp) {
  if (!(tube_voltage_kvp >= 40 && tube_voltage_kvp <= 80)) {
    throw InternalError("the attenuation model covers tube voltages of 40 to 80 kVp");
  }
  std::vector<BeamLine> lines;
  double total = 0;
  for (double e = 15.5; e < tube_voltage_kvp; e += 1) {
    const Knot mu = coefficients_at(e);
    const double photons = tube_voltage_kvp / e - 1;  // Kramers
    const double filtered = photons * std::exp(-mu.aluminium * kAluminiumDensity * 0.1 * kFilterMm);
    BeamLine line;
    line.weight = filtered * e * absorbed_share(e);
    line.bone = 0.1 * mu.bone * kBoneDensity;
    line.soft = 0.1 * mu.muscle * kMuscleDensity;
    line.fat = 0.1 * mu.fat * kFatDensity;
    total += line.weight;
    lines.push_back(line);
  }
  for (BeamLine& line : lines) line.weight /= total;
  return lines;
}

double integrated_attenuation(double tube_voltage_kvp, const MaterialPath& path) {
  double signal = 0;
  for (const BeamLine& line : beam_lines(tube_voltage_kvp)) {
    signal += line.weight * std::exp(-(line.bone * path.bone_mm + line.soft * path.soft_mm + line.fat * path.fat_mm));
  }
  return -std::log(signal);
}

namespace {

struct EffectiveLine {
  float weight, bone, soft, fat;
};
constexpr std::array<std::array<EffectiveLine, kEffectiveLineCount>, kMostTubeVoltageKvp - kLeastTubeVoltageKvp + 1>
    kEffectiveBeam = {{
#include "generator/detector/effective_beam.inc"
    }};

}  // namespace

AttenuationModel::AttenuationModel(int tube_voltage_kvp) : tube_voltage_kvp_(tube_voltage_kvp) {
  if (!(tube_voltage_kvp >= kLeastTubeVoltageKvp && tube_voltage_kvp <= kMostTubeVoltageKvp)) {
    throw InternalError("there is no attenuation model for this tube voltage");
  }
  const auto& beam = kEffectiveBeam[static_cast<std::size_t>(tube_voltage_kvp - kLeastTubeVoltageKvp)];
  constexpr float kLog2E = 1.44269504f;
  for (std::size_t k = 0; k < kEffectiveLineCount; ++k) {
    lines_[k] = {beam[k].weight, kLog2E * beam[k].bone, kLog2E * beam[k].soft, kLog2E * beam[k].fat};
  }
}

AttenuationBank::AttenuationBank(int low_kvp, int high_kvp) : low_kvp_(low_kvp) {
  for (int kvp = low_kvp; kvp <= high_kvp; ++kvp) models_.emplace_back(kvp);
}

const AttenuationModel& AttenuationBank::at(double tube_voltage_kvp) const {
  const double index = std::clamp(tube_voltage_kvp - low_kvp_, 0.0, static_cast<double>(models_.size()) - 1);
  return models_[static_cast<std::size_t>(std::lround(index))];
}

}  // namespace genu::generator
