// How well the localiser finds knees.
//
//   locate_knees films STUDY         synthetic bilateral films with truth (genu generate --set view=bilateral):
//                                    share with IoU >= 0.75, error of the joint line and of the femur's width
//   locate_knees crops SPLIT_FOLDER  single-knee crops in the Mendeley layout (one of its splits): share whose joint
//                                    line lies within 5 % of the height from the darkest band
//
// The darkest band is a reference of its own, not the localiser: in each compartment (columns 0.20-0.38 and 0.62-0.80
// of the width) the row, between 0.42 and 0.75 of the height, where the row means lie deepest below their surroundings
// (difference of two Gaussians, 1.5 and 9 px at 224); the joint line is the mean of both. Where the compartments
// disagree by more than 16 px of 224, the band is not the joint space in one of them (closed joints, metal) and the
// crop has no reference; their number is printed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "core/csv.h"
#include "pipeline/decode/decode_image.h"
#include "pipeline/locate/locate_knees.h"
#include "pipeline/orient/polarity.h"
#include "pipeline/source/mendeley.h"

namespace {

using namespace genu;
using namespace genu::pipeline;
namespace fs = std::filesystem;

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

double overlap(const KneePlace& a, double left, double top, double side) {
  const double w = std::min(a.left_px + a.side_px, left + side) - std::max(a.left_px, left);
  const double h = std::min(a.top_px + a.side_px, top + side) - std::max(a.top_px, top);
  if (w <= 0 || h <= 0) return 0;
  return w * h / (a.side_px * a.side_px + side * side - w * h);
}

int measure_films(const fs::path& study) {
  const CsvTable truth = CsvTable::read(study / "knees.csv");
  const auto number = [&](std::size_t row, const char* column) { return truth.number(row, truth.column(column)); };
  std::vector<double> ious, row_errors, width_ratios, left_offsets, top_offsets, side_ratios, correlations;
  std::size_t missed = 0;
  std::string last;
  FilmKnees knees;
  for (std::size_t row = 0; row < truth.size(); ++row) {
    const std::string film = truth.cell(row, truth.column("film"));
    if (film != last) {
      const DecodedImage image = decode_image_file(study / film);
      knees = locate_knees(image, number(row, "pixel_spacing_mm"));
      last = film;
    }
    const bool right = truth.cell(row, truth.column("side")) == "R";
    const auto& place = right ? knees.picture_left : knees.picture_right;
    if (!place) {
      ++missed;
      ious.push_back(0);
      std::printf("%s %s: not found\n", film.c_str(), right ? "R" : "L");
      continue;
    }
    const double side = number(row, "box_width_px");
    ious.push_back(overlap(*place, number(row, "box_left_px"), number(row, "box_top_px"), side));
    if (ious.back() < 0.75) {
      std::printf("%s %s: IoU %.2f, correlation %.2f\n", film.c_str(), right ? "R" : "L", ious.back(),
                  place->correlation);
    }
    row_errors.push_back(std::abs(place->joint_row_px - number(row, "joint_line_row_px")) / side);
    width_ratios.push_back(place->femur_width_px / number(row, "femur_width_px"));
    left_offsets.push_back((place->left_px + 0.5 * place->side_px - number(row, "box_left_px") - 0.5 * side) / side);
    top_offsets.push_back((place->joint_row_px - number(row, "joint_line_row_px")) / side);
    correlations.push_back(place->correlation);
  }
  const auto good = std::count_if(ious.begin(), ious.end(), [](double iou) { return iou >= 0.75; });
  std::printf("%zu knees, %zu not found; IoU >= 0.75 in %.2f %%; IoU median %.3f, 1st percentile %.3f\n", ious.size(),
              missed, 100.0 * static_cast<double>(good) / static_cast<double>(ious.size()), quantile(ious, 0.5),
              quantile(ious, 0.01));
  std::printf("joint line off by %.2f %% of the crop (median), %.2f %% (95th percentile), bias %+.2f %%\n",
              100 * quantile(row_errors, 0.5), 100 * quantile(row_errors, 0.95), 100 * quantile(top_offsets, 0.5));
  std::printf(
      "femur width found / true: median %.3f (5th %.3f, 95th %.3f); centre bias %+.2f %%; correlation 1st "
      "percentile %.2f, median %.2f\n",
      quantile(width_ratios, 0.5), quantile(width_ratios, 0.05), quantile(width_ratios, 0.95),
      100 * quantile(left_offsets, 0.5), quantile(correlations, 0.01), quantile(correlations, 0.5));
  return 0;
}

// Row of the darkest band over some columns of a 224 px crop.
int darkest_band(const cv::Mat& crop, int first_column, int last_column) {
  cv::Mat profile;
  cv::reduce(crop.colRange(first_column, last_column), profile, 1, cv::REDUCE_AVG, CV_32F);
  cv::Mat fine, coarse;
  cv::GaussianBlur(profile, fine, cv::Size(), 1.5, 1.5, cv::BORDER_REPLICATE);
  cv::GaussianBlur(profile, coarse, cv::Size(), 9, 9, cv::BORDER_REPLICATE);
  const cv::Mat depth = fine - coarse;
  int best = 94;
  for (int row = 94; row < 168; ++row) {
    if (depth.at<float>(row, 0) < depth.at<float>(best, 0)) best = row;
  }
  return best;
}

int measure_crops(const fs::path& folder) {
  const auto listing = list_grade_folders(folder, Split::kTrain, Naming::kSubjectAndSide, FaultPolicy::kSkip);
  std::vector<double> errors, references, found_rows;
  std::size_t missed = 0, without_reference = 0, whole = 0;
  for (const SourceSample& sample : listing.samples) {
    DecodedImage image = decode_image_file(sample.path);
    if (image.width_px != 224 || image.height_px != 224 || image.bit_depth != 8) continue;
    if (knee_polarity({image.bytes.data(), 224, 224}) < kNegativePolarity) {
      for (auto& value : image.bytes) value = static_cast<std::uint8_t>(255 - value);
    }
    ++whole;
    const cv::Mat crop(224, 224, CV_8U, image.bytes.data());
    const int one = darkest_band(crop, 45, 85);
    const int other = darkest_band(crop, 139, 179);
    if (std::abs(one - other) > 16) {
      ++without_reference;
      continue;
    }
    const auto place = locate_in_crop(image, sample.side);
    references.push_back(0.5 * (one + other));
    if (!place) {
      ++missed;
      errors.push_back(1);
      continue;
    }
    found_rows.push_back(place->joint_row_px);
    errors.push_back(std::abs(place->joint_row_px - references.back()) / 224);
  }
  const auto good = std::count_if(errors.begin(), errors.end(), [](double error) { return error <= 0.05; });
  std::printf("%zu crops, %zu without reference, %zu not found; joint line within 5 %% of the height in %.2f %%\n",
              whole, without_reference, missed, 100.0 * static_cast<double>(good) / static_cast<double>(errors.size()));
  std::printf(
      "error median %.2f %%, 95th percentile %.2f %%; reference rows median %.1f, found rows median %.1f (5th "
      "%.1f, 95th %.1f)\n",
      100 * quantile(errors, 0.5), 100 * quantile(errors, 0.95), quantile(references, 0.5), quantile(found_rows, 0.5),
      quantile(found_rows, 0.05), quantile(found_rows, 0.95));
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  const std::string mode = argument_count == 3 ? arguments[1] : "";
  if (mode == "films") return measure_films(arguments[2]);
  if (mode == "crops") return measure_crops(arguments[2]);
  std::fputs("usage: locate_knees films STUDY | crops SPLIT_FOLDER\n", stderr);
  return 2;
}
