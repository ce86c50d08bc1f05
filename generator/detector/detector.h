// From path lengths to the log signal of the detector: primary, scatter, blur, quantum noise.
#pragma once

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
  double blur_sigma_px_sd = 0.12;
  double quantum_noise_mean = 0.004;  // relative SD of the signal behind the knee's mean attenuation
  double quantum_noise_sigma = 0.35;  // log-normal spread between films
  double heel_gradient_sd = 0.03;     // log signal across the image, along the tube axis
  void list_fields(FieldList& fields);
};

struct Exposure {
  double tube_voltage_kvp = 69;
  double scatter_to_primary = 0.8;
  double scatter_fwhm_mm = 60;
  double blur_sigma_px = 0.55;
  double quantum_noise = 0.004;
  double heel_gradient = 0;
};

Exposure sample_exposure(const DetectorConfig& config, RandomStream& stream);

struct DetectorWorkspace {
  Image<float> signal;
  Image<float> scratch;
  Image<float> coarse;
  Image<float> coarse_scratch;
};

// Fills `log_signal` with -ln(signal / open), float32 [size, size]. `stream` places the noise.
void expose(const PathLengthMaps& maps, const Exposure& exposure, const AttenuationModel& model,
            double pixel_spacing_mm, const TextureTiles& tiles, RandomStream& stream, DetectorWorkspace& work,
            Image<float>& log_signal);

// Gaussian blur in place, separable, edges held; sigma <= 2 px. `scratch` is resized as needed.
void gaussian_blur(double sigma_px, Image<float>& image, Image<float>& scratch);

}  // namespace genu::generator
