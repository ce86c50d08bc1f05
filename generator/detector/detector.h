// From path lengths to the log signal of the detector: primary, scatter, blur, quantum noise.
#pragma once

#include <array>
#include <vector>

#include "core/config.h"
#include "core/random.h"
#include "generator/detector/attenuation.h"
#include "generator/projection/path_lengths.h"

namespace genu::generator {

struct DetectorConfig {
  double tube_voltage_mean_kvp = 69;
  double tube_voltage_sd_kvp = 3;
  double scatter_to_primary_mean = 0.8;  // no grid, spec 5.3
  double scatter_to_primary_sd = 0.25;
  double scatter_fwhm_mm = 60;
  double blur_sigma_px_mean = 0.55;  // detector and the crop's resampling, at the image's pixels
  double blur_sigma_px_sd = 0.2;
  double quantum_noise_mean = 0.004;  // relative SD of the signal behind the knee's mean attenuation
  double quantum_noise_sigma = 0.35;  // log-normal spread between films
  double heel_gradient_sd = 0.03;     // log signal across the image, along the tube axis
  double motion_share = 0.1;          // films blurred by 0.3-0.8 mm of motion, spec 5.3
  void list_fields(FieldList& fields);
};

struct Exposure {
  double tube_voltage_kvp = 69;
  double scatter_to_primary = 0.8;
  double scatter_fwhm_mm = 60;
  double blur_sigma_px = 0.55;
  double quantum_noise = 0.004;
  double heel_gradient = 0;
  double motion_mm = 0;  // how far the knee moved while the film was exposed
  double motion_direction_deg = 0;
  bool operator==(const Exposure&) const = default;
};

Exposure sample_exposure(const DetectorConfig& config, RandomStream& stream);
// Whether the knee moved, by a stream of its own.
void sample_motion(const DetectorConfig& config, RandomStream& stream, Exposure& exposure);

// What exposure and scatter are decided from: the knee without lesions on a coarse grid of square cells.
struct ReferenceSignal {
  int cell_px = 8;             // edge of a cell in image pixels
  float mean_primary = 0.05f;  // of the open beam
  Image<float> scatter;        // share of the open beam that reaches each cell as scatter, ratio included
  Image<float> log_signal;     // -ln(primary + scatter), heel effect included
};

struct DetectorWorkspace {
  Image<float> signal;
};

// Cells across the width of a reference; scatter and exposure vary over centimetres.
inline constexpr int kReferenceCells = 28;
// Edge of a cell in pixels for an image of this width.
int reference_cell_px(int width_px);

// `maps` hold the knee without lesions on the coarse grid, see project_reference.
void expose_reference(const PathLengthMaps& maps, const Exposure& exposure, const AttenuationModel& model, int cell_px,
                      double cell_mm, ReferenceSignal& reference);

// Fills `log_signal` with -ln(signal / open), float32 [height, width]. `stream` places the noise. Scatter and the level
// of the noise are the reference's: a lesion's own share of either is below the noise.
void expose(const PathLengthMaps& maps, double pixel_mm, const Exposure& exposure, const AttenuationModel& model,
            const ReferenceSignal& reference, const TextureTiles& tiles, RandomStream& stream, DetectorWorkspace& work,
            Image<float>& log_signal);

// Mean of the picture shifted along a line `length_px` long, at `direction_deg` from the rows; edges held.
void motion_blur(double length_px, double direction_deg, Image<float>& image);

// Wide Gaussian blur in place, for coarse grids; weights are renormalised at the edges, as if the picture went on
// alike.
void wide_blur(double sigma_px, Image<float>& coarse, Image<float>& scratch);

// Separable Gaussian blur, edges held, kernel cut 4 pixels from its middle; one row of the result at a time, so that
// what follows reads it while it is hot. Not thread-safe.
class GaussianBlur {
 public:
  // 0 < sigma <= 2 px.
  GaussianBlur(double sigma_px, int width_px);
  // Row y of the blurred image, width_px floats; valid until the next call. `image` must be width_px wide.
  const float* row(const Image<float>& image, int y);

 private:
  static constexpr int kRadius = 4;
  template <int kReach>
  void blur_row(const Image<float>& image, int y);

  std::array<float, kRadius + 1> taps_{};
  int reach_ = kRadius;  // taps beyond it are below 1e-4
  std::vector<float> padded_, blurred_;
};

}  // namespace genu::generator
