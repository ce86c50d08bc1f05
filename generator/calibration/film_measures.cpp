#include "generator/calibration/film_measures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/errors.h"

namespace genu::generator {

namespace {

constexpr int kSize = kMeasuredSizePx;

// Area average along rows, then along columns.
Image<float> resampled(const Image<float>& in, int width, int height) {
  if (in.width_px == width && in.height_px == height) return in;
  const auto shrink = [](const Image<float>& from, int to_width) {
    Image<float> out(to_width, from.height_px, 0.0f);
    const double step = static_cast<double>(from.width_px) / to_width;
    for (int x = 0; x < to_width; ++x) {
      const double low = x * step, high = std::min((x + 1) * step, static_cast<double>(from.width_px));
      for (int k = static_cast<int>(low); k < from.width_px && k < high; ++k) {
        const double share = std::min(high, k + 1.0) - std::max(low, static_cast<double>(k));
        for (int y = 0; y < from.height_px; ++y) {
          out.at(x, y) += static_cast<float>(share / (high - low)) * from.at(k, y);
        }
      }
    }
    return out;
  };
  const auto flipped = [](const Image<float>& from) {
    Image<float> out(from.height_px, from.width_px, 0.0f);
    for (int y = 0; y < from.height_px; ++y) {
      for (int x = 0; x < from.width_px; ++x) out.at(y, x) = from.at(x, y);
    }
    return out;
  };
  return flipped(shrink(flipped(shrink(in, width)), height));
}

// Mean over a square window, edges held.
Image<float> box_mean(const Image<float>& in, int radius) {
  const auto along_rows = [radius](const Image<float>& from) {
    Image<float> out(from.height_px, from.width_px, 0.0f);  // transposed, so that two calls do both directions
    for (int y = 0; y < from.height_px; ++y) {
      const float* row = from.row(y);
      const auto held = [&](int x) { return static_cast<double>(row[std::clamp(x, 0, from.width_px - 1)]); };
      double sum = 0;
      for (int k = -radius; k <= radius; ++k) sum += held(k);
      for (int x = 0; x < from.width_px; ++x) {
        out.at(y, x) = static_cast<float>(sum / (2 * radius + 1));
        sum += held(x + radius + 1) - held(x - radius);
      }
    }
    return out;
  };
  return along_rows(along_rows(in));
}

double rms_difference(const Image<float>& a, const Image<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::pow(a.pixels[i] - b.pixels[i], 2);
  return std::sqrt(sum / static_cast<double>(a.pixels.size()));
}

void measure_grey(const Image<float>& film, FilmMeasures& out) {
  double sum = 0, squares = 0, cubes = 0;
  for (const float v : film.pixels) sum += v;
  const double count = static_cast<double>(film.pixels.size());
  out.mean_grey = sum / count;
  for (const float v : film.pixels) {
    const double d = v - out.mean_grey;
    squares += d * d;
    cubes += d * d * d;
  }
  out.sd_grey = std::max(1e-3, std::sqrt(squares / count));
  out.skewness = cubes / count / std::pow(out.sd_grey, 3);
  double strip = 0;
  int strip_count = 0;
  for (int y = kSize * 2 / 5; y < kSize * 3 / 5; ++y) {
    for (int x = 0; x < 8; ++x) {
      strip += film.at(x, y) + film.at(kSize - 1 - x, y);
      strip_count += 2;
    }
  }
  out.edge_strip = (strip / strip_count - out.mean_grey) / out.sd_grey;
}

void measure_detail(const Image<float>& film, FilmMeasures& out) {
  const Image<float> box3 = box_mean(film, 1), box9 = box_mean(film, 4), box27 = box_mean(film, 13);
  const auto relative = [&](double rms) { return std::log(std::max(rms, 1e-3) / out.sd_grey); };
  out.log_fine = relative(rms_difference(film, box3));
  out.log_middle = relative(rms_difference(box3, box9));
  out.log_coarse = relative(rms_difference(box9, box27));
  std::vector<double> blocks;
  for (int by = 0; by + 16 <= kSize; by += 16) {
    for (int bx = 0; bx + 16 <= kSize; bx += 16) {
      double sum = 0;
      for (int y = by; y < by + 16; y += 2) {
        for (int x = bx; x < bx + 16; x += 2) {
          const double d = 0.5 * (film.at(x, y) - film.at(x + 1, y) - film.at(x, y + 1) + film.at(x + 1, y + 1));
          sum += d * d;
        }
      }
      blocks.push_back(std::sqrt(sum / 64));
    }
  }
  std::nth_element(blocks.begin(), blocks.begin() + static_cast<long>(blocks.size() / 5), blocks.end());
  out.noise_grey = blocks[blocks.size() / 5];
}

// Sides of the tibia, in the rows 18 to 30 px below the joint.
void measure_width(const Image<float>& film, FilmMeasures& out) {
  std::vector<double> profile(kSize, 0.0);
  const int top = static_cast<int>(out.joint_row * kSize) + 18;
  for (int k = 0; k < 12; ++k) {
    const float* row = film.row(std::min(top + k, kSize - 1));
    for (int x = 0; x < kSize; ++x) profile[static_cast<std::size_t>(x)] += row[x] / 12.0;
  }
  constexpr int kReach = 4;
  const auto rise = [&](int x) {  // towards the middle, over 8 px
    double inner = 0, outer = 0;
    for (int k = 1; k <= kReach; ++k) {
      inner += profile[static_cast<std::size_t>(x + k)];
      outer += profile[static_cast<std::size_t>(x - k)];
    }
    return (inner - outer) / kReach;
  };
  // The first edge outwards of the bone's inside that is 0.6 as strong as the strongest: the skin's may be stronger.
  const auto innermost = [&](int from, int to, int step) {
    const auto strength = [&](int x) { return -step * rise(x); };
    double strongest = 0;
    for (int x = from; x != to; x += step) strongest = std::max(strongest, strength(x));
    for (int x = from; x != to; x += step) {
      if (strength(x) >= 0.6 * strongest && strength(x) >= strength(x + step)) return x;
    }
    return to;
  };
  const int left = innermost(56, 4, -1), right = innermost(kSize - 57, kSize - 5, 1);
  out.tibia_width = static_cast<double>(right - left) / kSize;
  out.centre_column = 0.5 * (left + right) / kSize;
}

void measure_joint(const Image<float>& film, FilmMeasures& out) {
  double sum = 0;
  for (const auto& [low, high] : {std::pair{44, 82}, std::pair{142, 180}}) {
    std::vector<double> profile(kSize, 0.0);
    for (int y = 0; y < kSize; ++y) {
      for (int x = low; x < high; ++x)
        profile[static_cast<std::size_t>(y)] += film.at(x, y) / static_cast<float>(high - low);
    }
    int darkest = kSize / 2;
    double least = 1e9;
    for (int y = 95; y < 165; ++y) {
      double near = 0, around = 0;
      for (int k = -2; k <= 2; ++k) near += profile[static_cast<std::size_t>(y + k)] / 5;
      for (int k = -16; k <= 16; ++k) around += profile[static_cast<std::size_t>(y + k)] / 33;
      if (near - around < least) {
        least = near - around;
        darkest = y;
      }
    }
    sum += darkest + 0.5;
  }
  out.joint_row = 0.5 * sum / kSize;
}

// The band's width in the middle of each compartment: in every fourth column, from the steepest fall above its darkest
// row to the steepest rise below it, over strips 5 px wide; the median of the columns.
void measure_gap(const Image<float>& film, FilmMeasures& out) {
  const Image<float> smooth = box_mean(film, 1);
  const int middle = static_cast<int>(out.joint_row * kSize);
  double sum = 0;
  for (const auto& [low, high] : {std::pair{44, 76}, std::pair{152, 184}}) {
    std::vector<double> widths;
    for (int x = low; x < high; x += 4) {
      const auto at = [&](int y) {
        double strip = 0;
        for (int k = -2; k <= 2; ++k) strip += smooth.at(x + k, std::clamp(y, 0, kSize - 1)) / 5.0;
        return strip;
      };
      const auto relative = [&](int y) { return at(y) - 0.5 * (at(y - 14) + at(y + 14)); };
      int darkest = middle;
      for (int y = middle - 14; y <= middle + 14; ++y) darkest = relative(y) < relative(darkest) ? y : darkest;
      int top = darkest - 1, bottom = darkest + 1;
      double fall = 0, rise = 0;
      for (int k = 1; k <= 16; ++k) {
        const double above = at(darkest - k - 1) - at(darkest - k + 1),
                     below = at(darkest + k + 1) - at(darkest + k - 1);
        if (above > fall) {
          fall = above;
          top = darkest - k;
        }
        if (below > rise) {
          rise = below;
          bottom = darkest + k;
        }
      }
      widths.push_back(bottom - top);
    }
    std::sort(widths.begin(), widths.end());
    sum += 0.5 * (widths[widths.size() / 2] + widths[(widths.size() - 1) / 2]);
  }
  out.joint_gap = 0.5 * sum / kSize;
}

}  // namespace

Thumbnail mirrored(const Thumbnail& picture) {
  Thumbnail out;
  for (std::size_t row = 0; row < out.size(); row += kThumbnailPx) {
    std::reverse_copy(picture.begin() + static_cast<long>(row), picture.begin() + static_cast<long>(row) + kThumbnailPx,
                      out.begin() + static_cast<long>(row));
  }
  return out;
}

FilmMeasures measure_film(const Image<float>& grey) {
  if (grey.width_px < 64 || grey.height_px < 64) throw InternalError("measure_film: an image below 64 px");
  const Image<float> film = resampled(grey, kSize, kSize);
  FilmMeasures out;
  measure_grey(film, out);
  measure_detail(film, out);
  measure_joint(film, out);
  measure_width(film, out);
  measure_gap(film, out);
  const Image<float> small = resampled(film, kThumbnailPx, kThumbnailPx);
  for (int y = 0; y < kThumbnailPx; ++y) {
    for (int x = 0; x < kThumbnailPx; ++x) {
      out.picture[static_cast<std::size_t>(y * kThumbnailPx + x)] =
          static_cast<float>((small.at(x, y) - out.mean_grey) / out.sd_grey);
    }
  }
  return out;
}

FilmMeasures turned(const FilmMeasures& film) {
  FilmMeasures out = film;
  out.mean_grey = 255 - film.mean_grey;
  out.skewness = -film.skewness;
  out.edge_strip = -film.edge_strip;
  for (float& v : out.picture) v = -v;
  return out;
}

double correlation(const Thumbnail& first, const Thumbnail& second) {
  double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
  const double n = static_cast<double>(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double p = first[i], q = second[i];
    a += p;
    b += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  const double scale = std::sqrt(std::max(1e-12, (aa - a * a / n) * (bb - b * b / n)));
  return (ab - a * b / n) / scale;
}

}  // namespace genu::generator
