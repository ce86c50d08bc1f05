#include "generator/display/display.h"

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "generator/detector/detector.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

namespace {

double quantile(const std::vector<double>& at, const std::vector<double>& values, double u) {
  const auto after = std::upper_bound(at.begin(), at.end(), u);
  if (after == at.begin()) return values.front();
  if (after == at.end()) return values.back();
  const auto i = static_cast<std::size_t>(after - at.begin());
  const double t = (u - at[i - 1]) / (at[i] - at[i - 1]);
  return values[i - 1] + t * (values[i] - values[i - 1]);
}

// Running mean over 2 * radius + 1 rows or columns, edges held.
void box_columns(const Image<float>& in, int radius, Image<float>& out) {
  const int width = in.width_px, height = in.height_px;
  out.reset(width, height, 0.0f);
  const float scale = 1.0f / static_cast<float>(2 * radius + 1);
  std::vector<float> sum(static_cast<std::size_t>(width), 0.0f);
  for (int k = -radius; k <= radius; ++k) {
    const float* row = in.row(std::clamp(k, 0, height - 1));
    for (int x = 0; x < width; ++x) sum[static_cast<std::size_t>(x)] += row[x];
  }
  for (int y = 0; y < height; ++y) {
    float* to = out.row(y);
    const float* leaving = in.row(std::clamp(y - radius, 0, height - 1));
    const float* entering = in.row(std::clamp(y + radius + 1, 0, height - 1));
    for (int x = 0; x < width; ++x) {
      const auto i = static_cast<std::size_t>(x);
      to[x] = sum[i] * scale;
      sum[i] += entering[x] - leaving[x];
    }
  }
}

void box_rows(const Image<float>& in, int radius, Image<float>& out) {
  const int width = in.width_px;
  out.reset(width, in.height_px, 0.0f);
  const float scale = 1.0f / static_cast<float>(2 * radius + 1);
  std::vector<float> padded(static_cast<std::size_t>(width + 2 * radius));
  for (int y = 0; y < in.height_px; ++y) {
    const float* row = in.row(y);
    std::fill(padded.begin(), padded.begin() + radius, row[0]);
    std::copy(row, row + width, padded.begin() + radius);
    std::fill(padded.end() - radius, padded.end(), row[width - 1]);
    float* to = out.row(y);
    for (int k = 0; k <= 2 * radius; ++k) {
      const float* from = padded.data() + k;
      for (int x = 0; x < width; ++x) to[x] += from[x];
    }
    for (int x = 0; x < width; ++x) to[x] *= scale;
  }
}

struct Moments {
  float mean = 0;
  float sd = 1;
};

Moments moments_of(const Image<float>& image) {
  double sum = 0, squares = 0;
  for (int y = 0; y < image.height_px; ++y) {
    const float* row = image.row(y);
    float s = 0, q = 0;
    for (int x = 0; x < image.width_px; ++x) {
      s += row[x];
      q += row[x] * row[x];
    }
    sum += s;
    squares += q;
  }
  const double count = static_cast<double>(image.pixels.size());
  const double mean = sum / count;
  return {static_cast<float>(mean), static_cast<float>(std::sqrt(std::max(1e-12, squares / count - mean * mean)))};
}

// Film shoulder and toe: grey stays as it is in the middle and bends towards 2 and 253 at the ends.
float shoulder(float grey) {
  const float over = std::max(0.0f, grey - 222.0f);
  const float under = std::max(0.0f, 26.0f - grey);
  const float middle = std::min(std::max(grey, 26.0f), 222.0f);
  return middle + 31.0f * (over / (31.0f + over)) - 26.0f * (under / (26.0f + under));
}

void check_quantiles(const DisplayConfig& config) {
  const bool same_length =
      config.quantiles.size() == config.film_mean_grey.size() && config.quantiles.size() == config.film_sd_grey.size();
  if (!same_length || !std::is_sorted(config.quantiles.begin(), config.quantiles.end())) {
    throw ConfigError("display: quantiles must ascend and be as many as film_mean_grey and film_sd_grey");
  }
}

}  // namespace

void DisplayConfig::list_fields(FieldList& fields) {
  fields.add("quantiles", quantiles, Range{0.0, 1.0}, Range{2, 50}, "where the two tables below are given");
  fields.add("film_mean_grey", film_mean_grey, Range{0.0, 255.0}, Range{2, 50}, "grey mean of a film at each quantile");
  fields.add("film_sd_grey", film_sd_grey, Range{0.0, 128.0}, Range{2, 50}, "grey SD of a film at each quantile");
  fields.add("mean_sd_correlation", mean_sd_correlation, Range{-1.0, 1.0}, "correlation of the two (normal scores)");
  fields.add("curve_steepness", curve_steepness, Range{0.1, 5.0}, "median steepness of the sigmoid look-up");
  fields.add("curve_steepness_sigma", curve_steepness_sigma, Range{0.0, 1.0}, "its log-normal spread");
  fields.add("curve_centre", curve_centre, Range{-3.0, 3.0}, "centre of the look-up from the mean log signal");
  fields.add("curve_centre_sd", curve_centre_sd, Range{0.0, 2.0}, "its spread");
  fields.add("edge_gain_mean", edge_gain_mean, Range{0.0, 3.0}, "edge enhancement");
  fields.add("edge_gain_sd", edge_gain_sd, Range{0.0, 1.0}, "its spread");
  fields.add("edge_radius_mm", edge_radius_mm, Range{0.5, 10.0}, "radius of the enhancement");
  fields.add("detail_evenness", detail_evenness, Range{0.0, 1.0},
             "how far detail is shown alike in every part of the film, whatever the look-up's slope");
  fields.add("detail_constancy", detail_constancy, Range{0.0, 1.0},
             "how far detail is shown alike in flat and contrasty films");
  fields.add("range_compression_mean", range_compression_mean, Range{0.0, 0.9}, "dynamic range compression");
  fields.add("range_compression_sd", range_compression_sd, Range{0.0, 1.0}, "its spread; limits 0 and 0.9");
  fields.add("range_radius_mm", range_radius_mm, Range{4.0, 60.0}, "Gaussian radius of what is compressed");
  fields.add("inverted_share", inverted_share, Range{0.0, 1.0}, "share of photometric negatives (bone dark)");
}

DisplayLook sample_display(const DisplayConfig& config, RandomStream& stream) {
  check_quantiles(config);
  DisplayLook look;
  const double first = stream.normal();
  const double r = config.mean_sd_correlation;
  const double second = r * first + std::sqrt(1 - r * r) * stream.normal();
  look.mean_grey = quantile(config.quantiles, config.film_mean_grey, normal_cdf(first));
  look.sd_grey = quantile(config.quantiles, config.film_sd_grey, normal_cdf(second));
  look.curve_steepness = std::clamp(stream.log_normal(config.curve_steepness, config.curve_steepness_sigma), 0.2, 5.0);
  look.curve_centre = stream.truncated_normal(config.curve_centre, config.curve_centre_sd);
  look.edge_gain = std::max(0.0, stream.truncated_normal(config.edge_gain_mean, config.edge_gain_sd));
  look.edge_radius_mm = config.edge_radius_mm;
  look.detail_evenness = config.detail_evenness;
  look.detail_constancy = config.detail_constancy;
  look.typical_sd_grey = quantile(config.quantiles, config.film_sd_grey, 0.5);
  look.range_compression =
      std::clamp(stream.normal(config.range_compression_mean, config.range_compression_sd), 0.0, 0.9);
  look.range_radius_mm = config.range_radius_mm;
  look.polarity = stream.bernoulli(config.inverted_share) ? Polarity::kBoneDark : Polarity::kBoneBright;
  return look;
}

void compress_range(const DisplayLook& look, double cell_mm, Image<float>& reference_log_signal, Image<float>& change) {
  change = reference_log_signal;
  Image<float> scratch;
  wide_blur(look.range_radius_mm / cell_mm, change, scratch);
  const float mean = moments_of(change).mean;
  const auto share = static_cast<float>(look.range_compression);
  for (std::size_t i = 0; i < change.pixels.size(); ++i) {
    change.pixels[i] = share * (mean - change.pixels[i]);
    reference_log_signal.pixels[i] += change.pixels[i];
  }
}

ToneCurve tone_curve(const Image<float>& reference_log_signal, const DisplayLook& look) {
  ToneCurve curve;
  curve.centre = moments_of(reference_log_signal).mean + static_cast<float>(look.curve_centre);
  curve.steepness = static_cast<float>(look.curve_steepness);
  Image<float> tone = reference_log_signal;
  for (float& v : tone.pixels) v = 1.0f / (1.0f + fast_exp(-curve.steepness * (v - curve.centre)));
  const Moments plain = moments_of(tone);
  const auto wanted_mean = static_cast<float>(look.mean_grey), wanted_sd = static_cast<float>(look.sd_grey);
  curve.scale = wanted_sd / std::max(plain.sd, 1e-6f);
  curve.offset = wanted_mean - curve.scale * plain.mean;
  // Corrected once for what toe and shoulder take away.
  Image<float> shown = tone;
  for (float& v : shown.pixels) v = shoulder(curve.offset + curve.scale * v);
  const Moments bent = moments_of(shown);
  curve.scale *= std::clamp(wanted_sd / std::max(bent.sd, 1e-3f), 0.8f, 1.25f);
  curve.offset = wanted_mean - curve.scale * plain.mean + (wanted_mean - bent.mean);
  for (float& v : tone.pixels) v *= 1.0f - v;
  curve.mean_slope = curve.scale * curve.steepness * moments_of(tone).mean;
  return curve;
}

void develop(const Image<float>& log_signal, const ToneCurve& curve, const DisplayLook& look, double pixel_spacing_mm,
             DisplayWorkspace& work, Image<float>& grey) {
  // 1. Edge enhancement against a box mean.
  const int radius = std::max(1, static_cast<int>(std::lround(look.edge_radius_mm / pixel_spacing_mm)));
  box_columns(log_signal, radius, work.scratch);
  box_rows(work.scratch, radius, work.smooth);
  const auto gain = static_cast<float>(look.edge_gain);
  // 2. Look-up, polarity.
  const bool negative = look.polarity == Polarity::kBoneDark;
  const float sign = negative ? -1.0f : 1.0f, base = negative ? 255.0f : 0.0f;
  const auto tone_of = [&](float v) { return 1.0f / (1.0f + fast_exp(-curve.steepness * (v - curve.centre))); };
  grey.reset(log_signal.width_px, log_signal.height_px, 0.0f);
  // By the look-up alone detail needs no curve of its own (and keeps the bytes that it has always had).
  if (look.detail_evenness > 0 || look.detail_constancy > 0) {
    const auto even = static_cast<float>(look.detail_evenness);
    const auto scale =
        static_cast<float>(std::pow(look.typical_sd_grey / std::max(look.sd_grey, 1.0), look.detail_constancy));
    const float own = scale * (1 - even) * curve.scale, common = scale * even * curve.mean_slope * (1 + gain);
    for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
      const float smooth = work.smooth.pixels[i], fine = log_signal.pixels[i] - smooth;
      const float base_tone = tone_of(smooth);
      const float detail = own * (tone_of(smooth + (1 + gain) * fine) - base_tone) + common * fine;
      const float positive = shoulder(curve.offset + curve.scale * base_tone + detail);
      grey.pixels[i] = std::min(std::max(base + sign * positive, 0.0f), 255.0f);
    }
    return;
  }
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    const float value = log_signal.pixels[i];
    const float enhanced = value + gain * (value - work.smooth.pixels[i]);
    const float positive = shoulder(curve.offset + curve.scale * tone_of(enhanced));
    grey.pixels[i] = std::min(std::max(base + sign * positive, 0.0f), 255.0f);
  }
}

}  // namespace genu::generator
