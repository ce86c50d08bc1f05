#include "generator/detector/attenuation.h"

#include <algorithm>
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

// One keV of the beam: its share of the open signal and the linear attenuation (1/mm) it meets.
struct Line {
  double weight = 0;
  double bone = 0, soft = 0, fat = 0;
};

std::vector<Line> beam_lines(double tube_voltage_kvp) {
  if (!(tube_voltage_kvp >= 40 && tube_voltage_kvp <= 80)) {
    throw InternalError("the attenuation model covers tube voltages of 40 to 80 kVp");
  }
  std::vector<Line> lines;
  double total = 0;
  for (double e = 15.5; e < tube_voltage_kvp; e += 1) {
    const Knot mu = coefficients_at(e);
    const double photons = tube_voltage_kvp / e - 1;  // Kramers
    const double filtered = photons * std::exp(-mu.aluminium * kAluminiumDensity * 0.1 * kFilterMm);
    Line line;
    line.weight = filtered * e * absorbed_share(e);
    line.bone = 0.1 * mu.bone * kBoneDensity;
    line.soft = 0.1 * mu.muscle * kMuscleDensity;
    line.fat = 0.1 * mu.fat * kFatDensity;
    total += line.weight;
    lines.push_back(line);
  }
  for (Line& line : lines) line.weight /= total;
  return lines;
}

double attenuation_of(const std::vector<Line>& lines, const MaterialPath& path) {
  double signal = 0;
  for (const Line& line : lines) {
    signal += line.weight * std::exp(-(line.bone * path.bone_mm + line.soft * path.soft_mm + line.fat * path.fat_mm));
  }
  return -std::log(signal);
}

constexpr std::size_t kUnknowns = 17;
using Row = std::array<double, kUnknowns>;

Row basis(double b, double s, double f) {
  return {b,
          b * b,
          b * b * b,
          b * b * b * b,
          s,
          s * s,
          s * s * s,
          s * s * s * s,
          b * s,
          b * b * s,
          b * b * b * s,
          b * s * s,
          b * s * s * s,
          b * b * s * s,
          f,
          f * b,
          f * s};
}

// Solves the symmetric positive system by Gaussian elimination with pivoting.
Row solve(std::array<Row, kUnknowns> a, Row y) {
  for (std::size_t k = 0; k < kUnknowns; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < kUnknowns; ++i) {
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    }
    std::swap(a[k], a[pivot]);
    std::swap(y[k], y[pivot]);
    for (std::size_t i = k + 1; i < kUnknowns; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < kUnknowns; ++j) a[i][j] -= factor * a[k][j];
      y[i] -= factor * y[k];
    }
  }
  for (std::size_t k = kUnknowns; k-- > 0;) {
    for (std::size_t j = k + 1; j < kUnknowns; ++j) y[k] -= a[k][j] * y[j];
    y[k] /= a[k][k];
  }
  return y;
}

constexpr double kBoneUnitMm = 50, kSoftUnitMm = 200, kFatUnitMm = 100;

// Least squares of the relative error over a grid of path lengths, in units that keep the system well conditioned.
Row fit(const std::vector<Line>& lines, double fat_as_soft) {
  std::array<Row, kUnknowns> normal{};
  Row right{};
  for (int i = 0; i <= 12; ++i) {
    for (int j = 0; j <= 12; ++j) {
      for (int k = 0; k <= 4; ++k) {
        const MaterialPath path{5.0 * i, 200.0 * j * j / 144.0, 30.0 * k};
        const double truth = attenuation_of(lines, path);
        if (!(truth > 0.05)) continue;
        const double s = path.soft_mm + fat_as_soft * path.fat_mm;
        const Row terms = basis(path.bone_mm / kBoneUnitMm, s / kSoftUnitMm, path.fat_mm / kFatUnitMm);
        const double weight = 1 / (truth * truth);
        for (std::size_t p = 0; p < kUnknowns; ++p) {
          right[p] += weight * terms[p] * truth;
          for (std::size_t q = 0; q < kUnknowns; ++q) normal[p][q] += weight * terms[p] * terms[q];
        }
      }
    }
  }
  for (std::size_t p = 0; p < kUnknowns; ++p) normal[p][p] *= 1 + 1e-10;
  return solve(normal, right);
}

}  // namespace

double integrated_attenuation(double tube_voltage_kvp, const MaterialPath& path) {
  return attenuation_of(beam_lines(tube_voltage_kvp), path);
}

AttenuationModel::AttenuationModel(double tube_voltage_kvp) : tube_voltage_kvp_(tube_voltage_kvp) {
  const std::vector<Line> lines = beam_lines(tube_voltage_kvp);
  double soft = 0, fat = 0;
  for (const Line& line : lines) {
    soft += line.weight * line.soft;
    fat += line.weight * line.fat;
  }
  fat_as_soft_ = static_cast<float>(0.95 * fat / soft);
  const Row scaled = fit(lines, fat_as_soft_);
  // Back to millimetres: divide each term by its units.
  const Row units = basis(kBoneUnitMm, kSoftUnitMm, kFatUnitMm);
  for (std::size_t i = 0; i < kTerms; ++i) coefficients_[i] = static_cast<float>(scaled[i] / units[i]);
}

AttenuationBank::AttenuationBank(int low_kvp, int high_kvp) : low_kvp_(low_kvp) {
  for (int kvp = low_kvp; kvp <= high_kvp; ++kvp) models_.emplace_back(kvp);
}

const AttenuationModel& AttenuationBank::at(double tube_voltage_kvp) const {
  const double index = std::clamp(tube_voltage_kvp - low_kvp_, 0.0, static_cast<double>(models_.size()) - 1);
  return models_[static_cast<std::size_t>(std::lround(index))];
}

}  // namespace genu::generator
