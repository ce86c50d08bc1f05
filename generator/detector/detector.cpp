#include "generator/detector/detector.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "generator/projection/upsample.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

void primary_signal(const PathLengthMaps& maps, const AttenuationModel& model, Image<float>& signal) {
  const std::size_t count = maps.cortical_mm.pixels.size();
  signal.reset(maps.cortical_mm.width_px, maps.cortical_mm.height_px, 0.0f);
  const float* cortical = maps.cortical_mm.pixels.data();
  const float* trabecular = maps.trabecular_mm.pixels.data();
  const float* mineral = maps.trabecular_bone_mm.pixels.data();
  const float* soft = maps.soft_mm.pixels.data();
  const float* fat = maps.fat_mm.pixels.data();
  float* out = signal.pixels.data();
  for (std::size_t i = 0; i < count; ++i) {
    const float bone = cortical[i] + mineral[i];
    const float marrow = trabecular[i] - mineral[i];
    out[i] = model.transmission(bone, soft[i], fat[i] + marrow);
  }
  // So little passes that one coefficient does: 1 cm of titanium takes 7.6 (spec 5.2).
  constexpr float kMetalPerMm = 0.76f;
  for (std::size_t i = 0; i < maps.metal_mm.pixels.size(); ++i) {
    if (maps.metal_mm.pixels[i] > 0) out[i] *= fast_exp(-kMetalPerMm * maps.metal_mm.pixels[i]);
  }
}

float mean_of(const Image<float>& image) {
  double sum = 0;
  for (const float v : image.pixels) sum += v;
  return static_cast<float>(sum / static_cast<double>(image.pixels.size()));
}

// Detector blur; quantum noise, its variance proportional to the signal; then the logarithm. The two noise tiles at
// independent offsets make 2^36 different fields, each white and normal.
void detect(const Exposure& exposure, float reference, const TextureTiles& tiles, RandomStream& stream,
            const Image<float>& signal, Image<float>& log_signal) {
  GaussianBlur blur(exposure.blur_sigma_px, signal.width_px);
  const TileOffset a = random_offset(stream), b = random_offset(stream);
  const float gain = kTileUnit * static_cast<float>(exposure.quantum_noise / std::sqrt(2.0)) * std::sqrt(reference);
  const float gain_a = gain * a.sign, gain_b = gain * b.sign;
  const auto heel = static_cast<float>(exposure.heel_gradient / signal.height_px);
  log_signal.reset(signal.width_px, signal.height_px, 0.0f);
  for (int y = 0; y < signal.height_px; ++y) {
    const float* in = blur.row(signal, y);
    const TileValue* noise_a = tile_row(tiles.white_a, a, y);
    const TileValue* noise_b = tile_row(tiles.white_b, b, y);
    float* out = log_signal.row(y);
    const float slope = heel * (static_cast<float>(y) - 0.5f * static_cast<float>(signal.height_px));
    for (int x = 0; x < signal.width_px; ++x) {
      const float noisy = in[x] + std::sqrt(in[x]) * (gain_a * static_cast<float>(noise_a[x]) +
                                                      gain_b * static_cast<float>(noise_b[x]));
      out[x] = slope - fast_log(larger(noisy, 1e-6f));
    }
  }
}

}  // namespace

void DetectorConfig::list_fields(FieldList& fields) {
  fields.add("tube_voltage_mean_kvp", tube_voltage_mean_kvp, Range{50.0, 80.0}, "mean tube voltage");
  fields.add("tube_voltage_sd_kvp", tube_voltage_sd_kvp, Range{0.0, 8.0}, "its spread; limits 55 and 80");
  fields.add("scatter_to_primary_mean", scatter_to_primary_mean, Range{0.0, 3.0},
             "scatter over primary at the detector");
  fields.add("scatter_to_primary_sd", scatter_to_primary_sd, Range{0.0, 1.0}, "its spread");
  fields.add("scatter_fwhm_mm", scatter_fwhm_mm, Range{10.0, 200.0}, "width of the scatter kernel");
  fields.add("blur_sigma_px_mean", blur_sigma_px_mean, Range{0.05, 2.0}, "blur of detector and resampling");
  fields.add("blur_sigma_px_sd", blur_sigma_px_sd, Range{0.0, 0.5}, "its spread");
  fields.add("quantum_noise_mean", quantum_noise_mean, Range{0.0, 0.1}, "median relative noise of the signal");
  fields.add("quantum_noise_sigma", quantum_noise_sigma, Range{0.0, 1.5}, "log-normal spread of the noise");
  fields.add("heel_gradient_sd", heel_gradient_sd, Range{0.0, 0.3},
             "spread of the log-signal slope along the tube axis");
  fields.add("motion_share", motion_share, Range{0.0, 1.0}, "films blurred by the knee's motion, 0.3-0.8 mm one way");
}

Exposure sample_exposure(const DetectorConfig& config, RandomStream& stream) {
  Exposure exposure;
  exposure.tube_voltage_kvp =
      std::clamp(stream.normal(config.tube_voltage_mean_kvp, config.tube_voltage_sd_kvp), 55.0, 80.0);
  exposure.scatter_to_primary =
      std::max(0.05, stream.truncated_normal(config.scatter_to_primary_mean, config.scatter_to_primary_sd));
  exposure.scatter_fwhm_mm = config.scatter_fwhm_mm;
  exposure.blur_sigma_px =
      std::clamp(stream.truncated_normal(config.blur_sigma_px_mean, config.blur_sigma_px_sd), 0.05, 2.0);
  exposure.quantum_noise = stream.log_normal(config.quantum_noise_mean, config.quantum_noise_sigma);
  exposure.heel_gradient = stream.truncated_normal(0, config.heel_gradient_sd);
  return exposure;
}

void sample_motion(const DetectorConfig& config, RandomStream& stream, Exposure& exposure) {
  const bool moved = stream.bernoulli(config.motion_share);
  const double length = stream.uniform(0.3, 0.8);
  exposure.motion_direction_deg = stream.uniform(0, 180);
  exposure.motion_mm = moved ? length : 0;
}

void motion_blur(double length_px, double direction_deg, Image<float>& image) {
  // 1. The line as a kernel: points on it, each shared between its four neighbours.
  const int radius = static_cast<int>(0.5 * length_px) + 2, edge = 2 * radius + 1;
  const double dx = std::cos(direction_deg * std::numbers::pi / 180),
               dy = std::sin(direction_deg * std::numbers::pi / 180);
  const int points = 4 * edge;
  Image<float> kernel(edge, edge, 0.0f);
  for (int i = 0; i < points; ++i) {
    const double along = length_px * ((i + 0.5) / points - 0.5);
    const double x = radius + along * dx, y = radius + along * dy;
    const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
    const auto u = static_cast<float>(x - x0), v = static_cast<float>(y - y0);
    const float share = 1.0f / static_cast<float>(points);
    kernel.at(x0, y0) += share * (1 - u) * (1 - v);
    kernel.at(x0 + 1, y0) += share * u * (1 - v);
    kernel.at(x0, y0 + 1) += share * (1 - u) * v;
    kernel.at(x0 + 1, y0 + 1) += share * u * v;
  }
  // 2. Its taps, over a copy with held edges.
  const int width = image.width_px, height = image.height_px;
  Image<float> padded(width + 2 * radius, height + 2 * radius);
  for (int y = 0; y < padded.height_px; ++y) {
    const float* from = image.row(std::clamp(y - radius, 0, height - 1));
    float* to = padded.row(y);
    std::fill(to, to + radius, from[0]);
    std::copy(from, from + width, to + radius);
    std::fill(to + radius + width, to + 2 * radius + width, from[width - 1]);
  }
  for (int y = 0; y < height; ++y) {
    float* out = image.row(y);
    std::fill(out, out + width, 0.0f);
    for (int j = 0; j < edge; ++j) {
      for (int i = 0; i < edge; ++i) {
        const float tap = kernel.at(i, j);
        if (!(tap > 0)) continue;
        const float* in = padded.row(y + j) + i;
#pragma GCC ivdep
        for (int x = 0; x < width; ++x) out[x] += tap * in[x];
      }
    }
  }
}

GaussianBlur::GaussianBlur(double sigma_px, int width_px)
    : padded_(static_cast<std::size_t>(width_px + 2 * kRadius)), blurred_(static_cast<std::size_t>(width_px)) {
  std::array<double, kRadius + 1> raw{};
  double total = 0;
  for (std::size_t i = 0; i <= kRadius; ++i) {
    const auto distance = static_cast<double>(i);
    raw[i] = std::exp(-0.5 * distance * distance / (sigma_px * sigma_px));
    total += raw[i] * (i == 0 ? 1 : 2);
  }
  for (std::size_t i = 0; i <= kRadius; ++i) taps_[i] = static_cast<float>(raw[i] / total);
  while (reach_ > 1 && taps_[static_cast<std::size_t>(reach_)] < 1e-4f) --reach_;
}

template <int kReach>
void GaussianBlur::blur_row(const Image<float>& image, int y) {
  const int width = image.width_px, last = image.height_px - 1;
  // Copies, which no store can change.
  const std::array<float, kRadius + 1> taps = taps_;
  const float* middle = image.row(y);
  std::array<const float*, kReach> above, below;
  for (int k = 0; k < kReach; ++k) {
    above[static_cast<std::size_t>(k)] = image.row(std::max(y - 1 - k, 0));
    below[static_cast<std::size_t>(k)] = image.row(std::min(y + 1 + k, last));
  }
  float* line = padded_.data() + kRadius;
#pragma GCC ivdep
  for (int x = 0; x < width; ++x) {
    float sum = taps[0] * middle[x];
    for (std::size_t k = 0; k < kReach; ++k) sum += taps[k + 1] * (above[k][x] + below[k][x]);
    line[x] = sum;
  }
  std::fill(line - kRadius, line, line[0]);
  std::fill(line + width, line + width + kRadius, line[width - 1]);
  float* out = blurred_.data();
#pragma GCC ivdep
  for (int x = 0; x < width; ++x) {
    float sum = taps[0] * line[x];
    for (int k = 1; k <= kReach; ++k) sum += taps[static_cast<std::size_t>(k)] * (line[x - k] + line[x + k]);
    out[x] = sum;
  }
}

const float* GaussianBlur::row(const Image<float>& image, int y) {
  switch (reach_) {
    case 1:
      blur_row<1>(image, y);
      break;
    case 2:
      blur_row<2>(image, y);
      break;
    case 3:
      blur_row<3>(image, y);
      break;
    default:
      blur_row<4>(image, y);
      break;
  }
  return blurred_.data();
}

void wide_blur(double sigma_px, Image<float>& coarse, Image<float>& scratch) {
  const int n = std::max(coarse.width_px, coarse.height_px);
  std::vector<float> taps(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    taps[static_cast<std::size_t>(i)] = static_cast<float>(std::exp(-0.5 * i * i / (sigma_px * sigma_px)));
  scratch.reset(coarse.width_px, coarse.height_px, 0.0f);
  for (int y = 0; y < coarse.height_px; ++y) {
    for (int x = 0; x < coarse.width_px; ++x) {
      float sum = 0, weight = 0;
      for (int k = 0; k < coarse.width_px; ++k) {
        const float tap = taps[static_cast<std::size_t>(std::abs(k - x))];
        sum += tap * coarse.at(k, y);
        weight += tap;
      }
      scratch.at(x, y) = sum / weight;
    }
  }
  for (int y = 0; y < coarse.height_px; ++y) {
    float* out = coarse.row(y);
    std::fill(out, out + coarse.width_px, 0.0f);
    float weight = 0;
    for (int k = 0; k < coarse.height_px; ++k) {
      const float tap = taps[static_cast<std::size_t>(std::abs(k - y))];
      weight += tap;
      const float* in = scratch.row(k);
      for (int x = 0; x < coarse.width_px; ++x) out[x] += tap * in[x];
    }
    for (int x = 0; x < coarse.width_px; ++x) out[x] /= weight;
  }
}

int reference_cell_px(int width_px) { return std::max(1, (width_px + kReferenceCells - 1) / kReferenceCells); }

void expose_reference(const PathLengthMaps& maps, const Exposure& exposure, const AttenuationModel& model, int cell_px,
                      double cell_mm, ReferenceSignal& reference) {
  reference.cell_px = cell_px;
  primary_signal(maps, model, reference.log_signal);
  reference.mean_primary = mean_of(reference.log_signal);
  reference.scatter = reference.log_signal;
  Image<float> scratch;
  wide_blur(exposure.scatter_fwhm_mm / 2.3548 / cell_mm, reference.scatter, scratch);
  const auto ratio = static_cast<float>(exposure.scatter_to_primary);
  for (float& v : reference.scatter.pixels) v *= ratio;
  const int height = reference.log_signal.height_px;
  const auto heel = static_cast<float>(exposure.heel_gradient / height);
  for (int y = 0; y < height; ++y) {
    float* signal = reference.log_signal.row(y);
    const float* scatter = reference.scatter.row(y);
    const float slope = heel * (static_cast<float>(y) + 0.5f - 0.5f * static_cast<float>(height));
    for (int x = 0; x < reference.log_signal.width_px; ++x) signal[x] = slope - fast_log(signal[x] + scatter[x]);
  }
}

void expose(const PathLengthMaps& maps, double pixel_mm, const Exposure& exposure, const AttenuationModel& model,
            const ReferenceSignal& reference, const TextureTiles& tiles, RandomStream& stream, DetectorWorkspace& work,
            Image<float>& log_signal) {
  // 1. Primary radiation, and scatter: the reference's primary, spread wide.
  primary_signal(maps, model, work.signal);
  add_upsampled(reference.scatter, reference.cell_px, work.signal);
  if (exposure.motion_mm > 0) motion_blur(exposure.motion_mm / pixel_mm, exposure.motion_direction_deg, work.signal);
  // 2. What the detector makes of it.
  detect(exposure, reference.mean_primary, tiles, stream, work.signal, log_signal);
}

}  // namespace genu::generator
