#include "generator/detector/detector.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

constexpr int kBlurRadius = 4;

std::array<float, kBlurRadius + 1> gaussian_taps(double sigma) {
  std::array<float, kBlurRadius + 1> taps{};
  double total = 0;
  std::array<double, kBlurRadius + 1> raw{};
  for (int i = 0; i <= kBlurRadius; ++i) {
    raw[static_cast<std::size_t>(i)] = std::exp(-0.5 * i * i / (sigma * sigma));
    total += raw[static_cast<std::size_t>(i)] * (i == 0 ? 1 : 2);
  }
  for (std::size_t i = 0; i <= kBlurRadius; ++i) taps[i] = static_cast<float>(raw[i] / total);
  return taps;
}

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
}

// Wide Gaussian on the coarse grid; weights renormalised at the edges, as if the leg went on alike.
void spread(double sigma_cells, Image<float>& coarse, Image<float>& scratch) {
  const int n = std::max(coarse.width_px, coarse.height_px);
  std::vector<float> taps(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    taps[static_cast<std::size_t>(i)] = static_cast<float>(std::exp(-0.5 * i * i / (sigma_cells * sigma_cells)));
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

// signal += bilinear(coarse).
void add_scatter(const Image<float>& coarse, int cell_px, Image<float>& signal) {
  const float per_pixel = 1.0f / static_cast<float>(cell_px);
  std::vector<float> line(static_cast<std::size_t>(coarse.width_px));
  for (int y = 0; y < signal.height_px; ++y) {
    const float cy =
        std::clamp((static_cast<float>(y) + 0.5f) * per_pixel - 0.5f, 0.0f, static_cast<float>(coarse.height_px - 1));
    const int y0 = std::min(static_cast<int>(cy), std::max(0, coarse.height_px - 2));
    const float ty = coarse.height_px > 1 ? cy - static_cast<float>(y0) : 0.0f;
    const float* a = coarse.row(y0);
    const float* b = coarse.row(std::min(y0 + 1, coarse.height_px - 1));
    for (std::size_t x = 0; x < line.size(); ++x) line[x] = a[x] + ty * (b[x] - a[x]);
    float* out = signal.row(y);
    for (int x = 0; x < signal.width_px; ++x) {
      const float cx =
          std::clamp((static_cast<float>(x) + 0.5f) * per_pixel - 0.5f, 0.0f, static_cast<float>(coarse.width_px - 1));
      const auto x0 = static_cast<std::size_t>(std::min(static_cast<int>(cx), std::max(0, coarse.width_px - 2)));
      const float tx = coarse.width_px > 1 ? cx - static_cast<float>(x0) : 0.0f;
      const float next = line[std::min(x0 + 1, line.size() - 1)];
      out[x] += line[x0] + tx * (next - line[x0]);
    }
  }
}

float mean_of(const Image<float>& image) {
  double sum = 0;
  for (const float v : image.pixels) sum += v;
  return static_cast<float>(sum / static_cast<double>(image.pixels.size()));
}

// Quantum noise, variance proportional to the signal, then the logarithm. The two noise tiles at independent offsets
// make 2^36 different fields, each white and normal.
void add_noise_and_log(const Exposure& exposure, float reference, const TextureTiles& tiles, RandomStream& stream,
                       const Image<float>& signal, Image<float>& log_signal) {
  const TileOffset a = random_offset(stream), b = random_offset(stream);
  const float gain = static_cast<float>(exposure.quantum_noise / std::sqrt(2.0)) * std::sqrt(reference);
  const float gain_a = gain * a.sign, gain_b = gain * b.sign;
  const auto heel = static_cast<float>(exposure.heel_gradient / signal.height_px);
  log_signal.reset(signal.width_px, signal.height_px, 0.0f);
  for (int y = 0; y < signal.height_px; ++y) {
    const float* in = signal.row(y);
    const float* noise_a = tile_row(tiles.white_a, a, y);
    const float* noise_b = tile_row(tiles.white_b, b, y);
    float* out = log_signal.row(y);
    const float slope = heel * (static_cast<float>(y) - 0.5f * static_cast<float>(signal.height_px));
    for (int x = 0; x < signal.width_px; ++x) {
      const float noisy = in[x] + std::sqrt(in[x]) * (gain_a * noise_a[x] + gain_b * noise_b[x]);
      out[x] = slope - fast_log(std::max(noisy, 1e-6f));
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

void gaussian_blur(double sigma_px, Image<float>& image, Image<float>& scratch) {
  const auto taps = gaussian_taps(sigma_px);
  const int width = image.width_px, height = image.height_px;
  int reach = kBlurRadius;
  while (reach > 1 && taps[static_cast<std::size_t>(reach)] < 1e-4f) --reach;
  scratch.reset(width, height, 0.0f);
  for (int y = 0; y < height; ++y) {
    float* out = scratch.row(y);
    for (int k = -reach; k <= reach; ++k) {
      const float tap = taps[static_cast<std::size_t>(std::abs(k))];
      const float* in = image.row(std::clamp(y + k, 0, height - 1));
      for (int x = 0; x < width; ++x) out[x] += tap * in[x];
    }
  }
  std::vector<float> padded(static_cast<std::size_t>(width + 2 * kBlurRadius));
  for (int y = 0; y < height; ++y) {
    const float* in = scratch.row(y);
    std::copy(in, in + width, padded.begin() + kBlurRadius);
    std::fill(padded.begin(), padded.begin() + kBlurRadius, in[0]);
    std::fill(padded.end() - kBlurRadius, padded.end(), in[width - 1]);
    float* out = image.row(y);
    std::fill(out, out + width, 0.0f);
    for (int k = -reach; k <= reach; ++k) {
      const float tap = taps[static_cast<std::size_t>(std::abs(k))];
      const float* from = padded.data() + kBlurRadius + k;
      for (int x = 0; x < width; ++x) out[x] += tap * from[x];
    }
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
  spread(exposure.scatter_fwhm_mm / 2.3548 / cell_mm, reference.scatter, scratch);
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

void expose(const PathLengthMaps& maps, const Exposure& exposure, const AttenuationModel& model,
            const ReferenceSignal& reference, const TextureTiles& tiles, RandomStream& stream, DetectorWorkspace& work,
            Image<float>& log_signal) {
  // 1. Primary radiation, and scatter: the reference's primary, spread wide.
  primary_signal(maps, model, work.signal);
  add_scatter(reference.scatter, reference.cell_px, work.signal);
  // 2. Detector blur, then noise.
  gaussian_blur(exposure.blur_sigma_px, work.signal, work.scratch);
  add_noise_and_log(exposure, reference.mean_primary, tiles, stream, work.signal, log_signal);
}

}  // namespace genu::generator
