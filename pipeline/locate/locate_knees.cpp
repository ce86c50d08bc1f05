#include "pipeline/locate/locate_knees.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace genu::pipeline {

namespace {

constexpr int kTemplateSide = 32;
constexpr double kMeanSigma = 2;  // cells, down the columns; as scripts/make_knee_template.py
constexpr double kSdSigma = 6;
constexpr double kFlat_grey = 0.3;
constexpr double kMost = 1.5;

// Where the knees of the template lie in it, measured on 60 synthetic films whose truth is known
// (bench/locate_knees.cpp): the joint line, and the template's side over that of the crop.
constexpr double kTemplateJointRow = 0.5905;
constexpr double kTemplateOfCrop = 0.991;

// The crop, as measured on the Mendeley set.
constexpr double kJointRow = 0.592;
constexpr double kCropOfFemur = 1.15;

// The crop's side for femora of 62 to 98 mm (the tails of men's and women's widths) at magnifications of 1 to 1.12.
constexpr double kSmallestCrop_mm = 71;
constexpr double kLargestCrop_mm = 126;
constexpr int kSizes = 14;
constexpr double kFilmWidth_mm = 430;  // the long side of a 43 x 36 cm cassette

// 1.15 x 80 mm (women 76 +- 4, men 86 +- 4.5 mm wide; 58 % women) at a magnification of 1.05, SD 8 %. A size one SD off
// counts as much less correlation as kUnusualSize.
constexpr double kUsualCrop_mm = 97;
constexpr double kSizeSd = 0.08;
constexpr double kUnusualSize = 0.01;

double square(double x) { return x * x; }

enum class Orientation : std::uint8_t { kMedialLeft, kMedialRight };

cv::Mat knee_template(Orientation orientation) {
  static const std::array<float, kTemplateSide* kTemplateSide> kMean = {
#include "pipeline/locate/knee_template.inc"
  };
  cv::Mat mean(kTemplateSide, kTemplateSide, CV_32F);
  std::copy(kMean.begin(), kMean.end(), mean.begin<float>());
  if (orientation == Orientation::kMedialRight) cv::flip(mean, mean, 1);
  return mean;
}

cv::Mat gaussian(const cv::Mat& image, double sigma_across, double sigma_down) {
  const auto side = [](double sigma) { return 2 * static_cast<int>(std::ceil(4 * sigma)) + 1; };
  cv::Mat out;
  cv::GaussianBlur(image, out, cv::Size(side(sigma_across), side(sigma_down)), std::max(sigma_across, 1e-3), sigma_down,
                   cv::BORDER_REPLICATE);
  return out;
}

// The mean is taken down the columns only: shafts and skin, which run down the film, vanish, and what crosses the leg,
// the joint above all, stays.
cv::Mat structure(const cv::Mat& cells) {
  const cv::Mat detail = cells - gaussian(cells, 0, kMeanSigma);
  cv::Mat sd;
  cv::sqrt(gaussian(detail.mul(detail), kSdSigma, kSdSigma), sd);
  cv::Mat out = detail / (sd + kFlat_grey);
  cv::min(out, kMost, out);
  cv::max(out, -kMost, out);
  return out;
}

// float32, grey 0..255, shrunk so that a cell of the smallest size tried is still two pixels.
struct Film {
  cv::Mat grey;
  double px_per_film_px = 1;
};

Film shrunk(const DecodedImage& image, double smallest_side_px) {
  const cv::Mat full(image.height_px, image.width_px, image.bit_depth == 16 ? CV_16U : CV_8U,
                     const_cast<std::uint8_t*>(image.bytes.data()));
  Film film;
  film.px_per_film_px = std::min(1.0, 2 * kTemplateSide / smallest_side_px);
  cv::Mat small = full;
  if (film.px_per_film_px < 1) {
    cv::resize(full, small, cv::Size(), film.px_per_film_px, film.px_per_film_px, cv::INTER_AREA);
  }
  small.convertTo(film.grey, CV_32F, image.bit_depth == 16 ? 1 / 257.0 : 1.0);
  return film;
}

// The vertex of the parabola through three equally spaced values, as an offset from the middle one, -0.5..0.5.
double vertex(double before, double middle, double after) {
  const double bend = before - 2 * middle + after;
  return bend < 0 ? std::clamp(0.5 * (before - after) / bend, -0.5, 0.5) : 0.0;
}

struct Match {
  double left_px = 0;  // in film pixels
  double top_px = 0;
  double side_px = 0;
  double correlation = -1;
};

// Correlation of the template with every place of the cells. The contrast of a place counts as at least kLeastSd, so
// that the noise of empty film is no match for anything.
cv::Mat correlations(const cv::Mat& cells, const cv::Mat& wanted) {
  constexpr double kLeastSd = 0.2;  // structure of a knee has an SD of about 0.7
  cv::Mat scores;
  cv::matchTemplate(cells, wanted, scores, cv::TM_CCOEFF);
  cv::Mat mean;
  cv::Mat square;
  const cv::Size side(kTemplateSide, kTemplateSide);
  cv::boxFilter(cells, mean, CV_32F, side, cv::Point(0, 0), true, cv::BORDER_REPLICATE);
  cv::boxFilter(cells.mul(cells), square, CV_32F, side, cv::Point(0, 0), true, cv::BORDER_REPLICATE);
  cv::Mat sd = square - mean.mul(mean);
  cv::max(sd, kLeastSd * kLeastSd, sd);
  cv::sqrt(sd(cv::Rect(0, 0, scores.cols, scores.rows)), sd);
  cv::Scalar unused;
  cv::Scalar wanted_sd;
  cv::meanStdDev(wanted, unused, wanted_sd);
  return scores / (sd * (wanted_sd[0] * kTemplateSide * kTemplateSide));
}

// The best place of a template of side_px film pixels. `overhang`: part of the side that may reach over the edge.
Match match_at(const Film& film, const cv::Mat& wanted, double side_px, double overhang) {
  const double cells_per_px = kTemplateSide / (side_px * film.px_per_film_px);
  cv::Mat cells;
  cv::resize(film.grey, cells, cv::Size(), cells_per_px, cells_per_px,
             cells_per_px < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  const int border = static_cast<int>(std::lround(overhang * kTemplateSide));
  cv::copyMakeBorder(cells, cells, border, border, border, border, cv::BORDER_REPLICATE);
  if (cells.rows < kTemplateSide || cells.cols < kTemplateSide) return {};
  const cv::Mat scores = correlations(structure(cells), wanted);
  cv::Point best;
  double correlation = 0;
  cv::minMaxLoc(scores, nullptr, &correlation, nullptr, &best);
  const auto at = [&](int x, int y) {
    return static_cast<double>(scores.at<float>(std::clamp(y, 0, scores.rows - 1), std::clamp(x, 0, scores.cols - 1)));
  };
  const double x = best.x + vertex(at(best.x - 1, best.y), correlation, at(best.x + 1, best.y));
  const double y = best.y + vertex(at(best.x, best.y - 1), correlation, at(best.x, best.y + 1));
  const double film_px = side_px / kTemplateSide;
  return {(x - border) * film_px, (y - border) * film_px, side_px, correlation};
}

// Sizes in equal ratios from smallest to largest, in film pixels.
std::vector<double> sizes(double smallest_px, double largest_px, int count) {
  std::vector<double> out;
  for (int i = 0; i < count; ++i) {
    out.push_back(smallest_px * std::pow(largest_px / smallest_px, i / static_cast<double>(count - 1)));
  }
  return out;
}

struct Search {
  double overhang = 0.12;  // part of the template's side that may reach over the picture's edge
  double least_correlation = kLeastKneeCorrelation;
};

// The best place at each size.
std::vector<Match> match_sizes(const Film& film, const std::vector<double>& sides_px, Orientation orientation,
                               double overhang) {
  const cv::Mat wanted = knee_template(orientation);
  std::vector<Match> matches;
  for (const double side : sides_px) matches.push_back(match_at(film, wanted, side, overhang));
  return matches;
}

// The index of the greatest score, refined between sizes.
double best_size(const std::vector<double>& scores) {
  const auto best = std::max_element(scores.begin(), scores.end());
  const auto index = static_cast<double>(best - scores.begin());
  const bool inside = best != scores.begin() && best + 1 != scores.end();
  return index + (inside ? vertex(*(best - 1), *best, *(best + 1)) : 0.0);
}

std::vector<double> correlations_of(const std::vector<Match>& matches) {
  std::vector<double> scores;
  for (const Match& match : matches) scores.push_back(match.correlation);
  return scores;
}

// The knee of the match nearest to size `index`. The joint is what matched, so it stays where it is while the size is
// refined.
KneePlace place_at(const std::vector<Match>& matches, double index) {
  const Match& match = matches[static_cast<std::size_t>(std::lround(index))];
  const double ratio = matches[1].side_px / matches[0].side_px;
  KneePlace place;
  place.joint_row_px = match.top_px + kTemplateJointRow * match.side_px;
  place.joint_column_px = match.left_px + 0.5 * match.side_px;
  place.side_px = matches[0].side_px * std::pow(ratio, index) / kTemplateOfCrop;
  place.left_px = place.joint_column_px - 0.5 * place.side_px;
  place.top_px = place.joint_row_px - kJointRow * place.side_px;
  place.femur_width_px = place.side_px / kCropOfFemur;
  place.correlation = match.correlation;
  return place;
}

std::optional<KneePlace> best_place(const std::vector<Match>& matches, double least_correlation) {
  const KneePlace place = place_at(matches, best_size(correlations_of(matches)));
  return place.correlation >= least_correlation ? std::optional(place) : std::nullopt;
}

std::optional<KneePlace> best_place(const Film& film, const std::vector<double>& sides_px, Orientation orientation,
                                    const Search& search) {
  return best_place(match_sizes(film, sides_px, orientation, search.overhang), search.least_correlation);
}

// Two knees of one person are equally wide (no side difference is published as significant), so that one size, the best
// for both together, is steadier than two.
FilmKnees pair_of(const std::vector<Match>& left, const std::vector<Match>& right, double usual_side_px) {
  FilmKnees knees{best_place(left, kLeastKneeCorrelation), best_place(right, kLeastKneeCorrelation)};
  if (!knees.picture_left || !knees.picture_right) return knees;
  std::vector<double> sums = correlations_of(left);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] += right[i].correlation - 2 * kUnusualSize * square(std::log(left[i].side_px / usual_side_px) / kSizeSd);
  }
  const double size = best_size(sums);
  return {place_at(left, size), place_at(right, size)};
}

std::optional<KneePlace> better(std::optional<KneePlace> a, std::optional<KneePlace> b) {
  if (!a || !b) return a ? a : b;
  return a->correlation >= b->correlation ? a : b;
}

// Medial lies left in a picture of a left knee, as the Mendeley crops show it.
std::optional<KneePlace> best_place_of_side(const Film& film, const std::vector<double>& sides_px,
                                            std::optional<KneeSide> side, const Search& search) {
  std::optional<KneePlace> place;
  if (side != KneeSide::kRight) place = best_place(film, sides_px, Orientation::kMedialLeft, search);
  if (side != KneeSide::kLeft) {
    place = better(place, best_place(film, sides_px, Orientation::kMedialRight, search));
  }
  return place;
}

}  // namespace

PixelBox crop_box(const KneePlace& place) {
  const auto whole = [](double value) { return static_cast<int>(std::lround(value)); };
  return {whole(place.left_px), whole(place.top_px), whole(place.side_px), whole(place.side_px)};
}

FilmKnees locate_knees(const DecodedImage& image, std::optional<double> spacing_mm) {
  constexpr double kHalf = 0.56;  // a knee may reach over the middle
  const double spacing = spacing_mm.value_or(kFilmWidth_mm / image.width_px);
  const auto sides = sizes(kSmallestCrop_mm / spacing, kLargestCrop_mm / spacing, kSizes);
  const Film film = shrunk(image, sides.front());
  const int half = static_cast<int>(std::ceil(kHalf * film.grey.cols));
  const int begin = film.grey.cols - half;
  const auto part = [&](int from, int to) { return Film{film.grey.colRange(from, to).clone(), film.px_per_film_px}; };
  // The fibulae point outwards, so medial is towards the middle in both halves.
  const Search search;
  FilmKnees knees = pair_of(match_sizes(part(0, half), sides, Orientation::kMedialRight, search.overhang),
                            match_sizes(part(begin, film.grey.cols), sides, Orientation::kMedialLeft, search.overhang),
                            kUsualCrop_mm / spacing);
  if (knees.picture_right) {
    knees.picture_right->left_px += begin / film.px_per_film_px;
    knees.picture_right->joint_column_px += begin / film.px_per_film_px;
  }
  return knees;
}

std::optional<KneePlace> locate_knee(const DecodedImage& image, std::optional<KneeSide> side,
                                     std::optional<double> spacing_mm) {
  const double shorter = std::min(image.width_px, image.height_px);
  const auto sides = spacing_mm ? sizes(kSmallestCrop_mm / *spacing_mm, kLargestCrop_mm / *spacing_mm, kSizes)
                                : sizes(shorter / 3, shorter, 2 * kSizes);
  return best_place_of_side(shrunk(image, sides.front()), sides, side, {});
}

std::optional<KneePlace> locate_in_crop(const DecodedImage& crop, std::optional<KneeSide> side) {
  // That it shows a knee is known, so a weak match will do.
  const Search search{.overhang = 0.2, .least_correlation = 0.15};
  const double height = crop.height_px;
  const auto sides = sizes(0.85 * height, 1.2 * height, 7);
  return best_place_of_side(shrunk(crop, sides.front()), sides, side, search);
}

}  // namespace genu::pipeline
