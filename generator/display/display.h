// From the detector's log signal to grey values: enhancement, look-up curve, exposure and contrast of one film.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config.h"
#include "core/random.h"
#include "generator/projection/image.h"

namespace genu::generator {

// Quantiles of a film's grey mean and SD at 0, 1, 5, 25, 50, 75, 95, 99 and 100 % (real_film_statistics.md; the ends
// extrapolated).
struct DisplayConfig {
  std::vector<double> quantiles = {0.0, 0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99, 1.0};
  std::vector<double> film_mean_grey = {45, 64, 110, 141, 156, 170, 200, 216, 225};
  std::vector<double> film_sd_grey = {10, 13, 19, 27, 36, 48, 65, 74, 80};
  double mean_sd_correlation = 0.23;
  double curve_steepness = 1.1;         // of the sigmoid in log signal; median
  double curve_steepness_sigma = 0.35;  // log-normal spread
  double curve_centre = -0.35;          // of the sigmoid, from the picture's mean log signal
  double curve_centre_sd = 0.25;
  double edge_gain_mean = 0.45;  // multi-frequency edge enhancement, spec 5.5
  double edge_gain_sd = 0.15;
  double edge_radius_mm = 2.0;
  // Detail is what is finer than edge_radius_mm. Multi-scale processing shows it alike in bright and dark parts and in
  // flat and contrasty films; the look-up alone would not.
  double detail_evenness = 0;            // 0: as steep as the look-up where it lies, 1: as steep everywhere
  double detail_constancy = 0;           // 0: in proportion to the film's contrast, 1: the same whatever that is
  double range_compression_mean = 0.35;  // of the variation over range_radius_mm that the processing takes away
  double range_compression_sd = 0.25;
  double range_radius_mm = 14;
  double inverted_share = 0.0;  // photometric negatives
  void list_fields(FieldList& fields);
};

enum class Polarity { kBoneBright, kBoneDark };

struct DisplayLook {
  double mean_grey = 156;
  double sd_grey = 36;
  double curve_steepness = 1.1;
  double curve_centre = -0.35;
  double edge_gain = 0.5;
  double edge_radius_mm = 2.0;
  double detail_evenness = 0;
  double detail_constancy = 0;
  double typical_sd_grey = 36;   // at which constancy changes nothing: the films' median
  double range_compression = 0;  // 0 .. 0.9
  double range_radius_mm = 14;
  Polarity polarity = Polarity::kBoneBright;
  bool operator==(const DisplayLook&) const = default;
};

DisplayLook sample_display(const DisplayConfig& config, RandomStream& stream);

struct DisplayWorkspace {
  Image<float> smooth;
  Image<float> scratch;
};

// Look-up of one film: grey = shoulder(offset + scale / (1 + exp(-steepness (log signal - centre)))); what is finer
// than the edge radius goes by `mean_slope` for the look's evenness.
struct ToneCurve {
  float centre = 2.5;
  float steepness = 1.1f;
  float scale = 200;
  float offset = 30;
  float mean_slope = 60;  // grey levels for one unit of log signal, over the reference
};

// Dynamic range compression, as multi-scale processing does it: takes `look.range_compression` of the large-scale
// variation off the reference's log signal, and fills `change` with what was added to it, to be added (upsampled) to
// the picture's log signal. Decided from the knee without lesions. Pixels of both are `cell_mm` wide.
void compress_range(const DisplayLook& look, double cell_mm, Image<float>& reference_log_signal, Image<float>& change);

// The curve that gives the film its grey mean and SD, decided from the knee without lesions (ReferenceSignal's
// log_signal), so that no lesion moves the rest of the picture.
ToneCurve tone_curve(const Image<float>& reference_log_signal, const DisplayLook& look);

// `log_signal` is -ln(signal / open). Fills `grey`, float32 of the same size, 0 .. 255; the caller rounds to its depth.
void develop(const Image<float>& log_signal, const ToneCurve& curve, const DisplayLook& look, double pixel_spacing_mm,
             DisplayWorkspace& work, Image<float>& grey);

}  // namespace genu::generator
