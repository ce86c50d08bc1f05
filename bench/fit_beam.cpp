// Writes generator/detector/effective_beam.inc: for each tube voltage the five lines that stand for its spectrum.
//
//   build/release/fit_beam > generator/detector/effective_beam.inc
//
// Levenberg-Marquardt on the relative error of the attenuation over bone 0-60 mm, muscle 0-200 mm and fat 0-100 mm,
// against the sum over the spectrum in 1 keV steps. Run it again when anything in attenuation.cpp changes the beam;
// the largest errors go to stderr.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "generator/detector/attenuation.h"

namespace genu::generator {
namespace {

constexpr std::size_t kLines = kEffectiveLineCount;
constexpr std::size_t kParameters = 4 * kLines;

struct Target {
  MaterialPath path;
  double attenuation = 0;
};

std::vector<Target> targets_of(double kvp, const std::vector<double>& bones_mm, const std::vector<double>& softs_mm,
                               const std::vector<double>& fats_mm) {
  std::vector<Target> targets;
  for (const double bone : bones_mm) {
    for (const double soft : softs_mm) {
      for (const double fat : fats_mm) {
        const MaterialPath path{bone, soft, fat};
        if (bone + soft + fat > 0) targets.push_back({path, integrated_attenuation(kvp, path)});
      }
    }
  }
  return targets;
}

// Denser where paths are thin: there the relative error is hardest to keep.
std::vector<Target> fitted_targets(double kvp) {
  return targets_of(kvp, {0, 0.5, 1.5, 4, 8, 15, 24, 36, 48, 60}, {0, 1, 4, 10, 25, 45, 70, 100, 130, 165, 200},
                    {0, 1, 4, 12, 30, 60, 100});
}

std::vector<double> steps(double most, double step) {
  std::vector<double> values;
  for (double v = 0; v <= most; v += step) values.push_back(v);
  return values;
}

using Parameters = std::array<double, kParameters>;  // logarithms: weights, bone, soft, fat

std::array<BeamLine, kLines> lines_of(const Parameters& p) {
  std::array<BeamLine, kLines> lines;
  double total = 0;
  for (std::size_t k = 0; k < kLines; ++k) {
    lines[k] = {std::exp(p[k]), std::exp(p[kLines + k]), std::exp(p[2 * kLines + k]), std::exp(p[3 * kLines + k])};
    total += lines[k].weight;
  }
  for (BeamLine& line : lines) line.weight /= total;
  return lines;
}

// Contiguous parts of the spectrum of equal weight.
Parameters first_guess(double kvp) {
  std::array<BeamLine, kLines> sums{};
  double before = 0;
  for (const BeamLine& line : beam_lines(kvp)) {
    BeamLine& sum = sums[std::min(kLines - 1, static_cast<std::size_t>(before * kLines))];
    before += line.weight;
    sum.weight += line.weight;
    sum.bone += line.weight * line.bone;
    sum.soft += line.weight * line.soft;
    sum.fat += line.weight * line.fat;
  }
  Parameters p{};
  for (std::size_t k = 0; k < kLines; ++k) {
    p[k] = std::log(sums[k].weight);
    p[kLines + k] = std::log(sums[k].bone / sums[k].weight);
    p[2 * kLines + k] = std::log(sums[k].soft / sums[k].weight);
    p[3 * kLines + k] = std::log(sums[k].fat / sums[k].weight);
  }
  return p;
}

struct Normal {
  std::array<Parameters, kParameters> matrix{};
  Parameters right{};
  double squares = 0;
  double worst = 0;
};

// Residual: fitted over true attenuation, less 1.
Normal normal_equations(const std::vector<Target>& targets, const Parameters& p) {
  const auto lines = lines_of(p);
  Normal normal;
  for (const Target& target : targets) {
    std::array<double, kLines> share{};
    double signal = 0;
    for (std::size_t k = 0; k < kLines; ++k) {
      const BeamLine& l = lines[k];
      share[k] = l.weight *
                 std::exp(-(l.bone * target.path.bone_mm + l.soft * target.path.soft_mm + l.fat * target.path.fat_mm));
      signal += share[k];
    }
    Parameters gradient{};
    for (std::size_t k = 0; k < kLines; ++k) {
      const double q = share[k] / signal;
      gradient[k] = lines[k].weight - q;
      gradient[kLines + k] = q * lines[k].bone * target.path.bone_mm;
      gradient[2 * kLines + k] = q * lines[k].soft * target.path.soft_mm;
      gradient[3 * kLines + k] = q * lines[k].fat * target.path.fat_mm;
    }
    const double residual = -std::log(signal) / target.attenuation - 1;
    for (std::size_t i = 0; i < kParameters; ++i) {
      gradient[i] /= target.attenuation;
      normal.right[i] -= gradient[i] * residual;
      for (std::size_t j = 0; j <= i; ++j) normal.matrix[i][j] += gradient[i] * gradient[j];
    }
    normal.squares += residual * residual;
    normal.worst = std::max(normal.worst, std::abs(residual));
  }
  return normal;
}

// Solves (matrix + damping * diagonal) x = right by Cholesky.
Parameters damped_step(const Normal& normal, double damping) {
  std::array<Parameters, kParameters> l{};
  for (std::size_t i = 0; i < kParameters; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = normal.matrix[i][j] + (i == j ? damping * (normal.matrix[i][i] + 1e-9) : 0);
      for (std::size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      l[i][j] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / l[j][j];
    }
  }
  Parameters x = normal.right;
  for (std::size_t i = 0; i < kParameters; ++i) {
    for (std::size_t k = 0; k < i; ++k) x[i] -= l[i][k] * x[k];
    x[i] /= l[i][i];
  }
  for (std::size_t i = kParameters; i-- > 0;) {
    for (std::size_t k = i + 1; k < kParameters; ++k) x[i] -= l[k][i] * x[k];
    x[i] /= l[i][i];
  }
  return x;
}

Parameters fitted(double kvp, Parameters p) {
  const std::vector<Target> targets = fitted_targets(kvp);
  Normal normal = normal_equations(targets, p);
  double damping = 1e-2;
  for (int step = 0; step < 1000 && damping < 1e8; ++step) {
    const Parameters move = damped_step(normal, damping);
    Parameters next = p;
    for (std::size_t i = 0; i < kParameters; ++i) next[i] += std::clamp(move[i], -0.5, 0.5);
    const Normal there = normal_equations(targets, next);
    if (there.squares < normal.squares) {
      p = next;
      normal = there;
      damping = std::max(0.3 * damping, 1e-9);
    } else {
      damping *= 4;
    }
  }
  return p;
}

}  // namespace
}  // namespace genu::generator

int main() {
  using namespace genu::generator;
  fmt::print("// Weight, bone, muscle, fat (1/mm) of each line, from {} kVp on. Made by bench/fit_beam.cpp.\n",
             kLeastTubeVoltageKvp);
  Parameters p = first_guess(kLeastTubeVoltageKvp);
  for (int kvp = kLeastTubeVoltageKvp; kvp <= kMostTubeVoltageKvp; ++kvp) {
    p = fitted(kvp, p);
    fmt::print("{{{{");
    for (const BeamLine& line : lines_of(p)) {
      fmt::print("{{{:.7e}f, {:.7e}f, {:.7e}f, {:.7e}f}},", line.weight, line.bone, line.soft, line.fat);
    }
    fmt::print("}}}},\n");
    fmt::print(stderr, "{} kVp: largest error {:.2e}\n", kvp,
               normal_equations(targets_of(kvp, steps(60, 0.75), steps(200, 5), steps(100, 7)), p).worst);
  }
  return 0;
}
