#include "pipeline/quality/image_quality.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "pipeline/locate/locate_knees.h"
#include "pipeline/orient/polarity.h"

namespace genu::pipeline {

namespace {

cv::Mat to_8_bit(const DecodedImage& image) {
  const cv::Mat full(image.height_px, image.width_px, image.bit_depth == 16 ? CV_16U : CV_8U,
                     const_cast<std::uint8_t*>(image.bytes.data()));
  cv::Mat out;
  full.convertTo(out, CV_8U, image.bit_depth == 16 ? 1 / 257.0 : 1.0);
  return out;
}

double percent_of(const cv::Mat& mask) { return 100.0 * cv::countNonZero(mask) / static_cast<double>(mask.total()); }

// Metal is as bright as anything in the picture and ends within a pixel or two: bright blobs with a rim far steeper
// than cortical bone's.
double metal_percent(const cv::Mat& grey) {
  constexpr double kMetal_grey = 250;
  constexpr double kSteep = 60;  // grey levels over two pixels; cortex at 224 px stays below 40
  const cv::Mat bright = grey >= kMetal_grey;
  if (cv::countNonZero(bright) == 0) return 0;
  cv::Mat eroded;
  cv::erode(grey, eroded, cv::getStructuringElement(cv::MORPH_RECT, {5, 5}));
  cv::Mat drop;
  cv::subtract(grey, eroded, drop);
  cv::Mat labels;
  cv::Mat stats;
  cv::Mat centres;
  const int blobs = cv::connectedComponentsWithStats(bright, labels, stats, centres);
  double metal = 0;
  for (int blob = 1; blob < blobs; ++blob) {
    const cv::Mat inside = labels == blob;
    if (cv::countNonZero(inside & (drop >= kSteep)) * 4 >= stats.at<int>(blob, cv::CC_STAT_AREA)) {
      metal += stats.at<int>(blob, cv::CC_STAT_AREA);
    }
  }
  return 100 * metal / static_cast<double>(grey.total());
}

// Row of the darkest band near `row` over some columns, as bench/locate_knees.cpp has it.
double darkest_row(const cv::Mat& grey, double row, double first, double last) {
  const auto column = [&](double part) { return static_cast<int>(std::lround(part * grey.cols)); };
  cv::Mat profile;
  cv::reduce(grey.colRange(column(first), column(last)), profile, 1, cv::REDUCE_AVG, CV_32F);
  const double unit = grey.rows / 224.0;
  cv::Mat fine;
  cv::Mat coarse;
  cv::GaussianBlur(profile, fine, cv::Size(), 1.5 * unit, 1.5 * unit, cv::BORDER_REPLICATE);
  cv::GaussianBlur(profile, coarse, cv::Size(), 9 * unit, 9 * unit, cv::BORDER_REPLICATE);
  const cv::Mat depth = fine - coarse;
  const int begin = std::clamp(static_cast<int>(row - 0.12 * grey.rows), 0, grey.rows - 1);
  const int end = std::clamp(static_cast<int>(row + 0.12 * grey.rows), begin, grey.rows - 1);
  int best = begin;
  for (int y = begin; y <= end; ++y) {
    if (depth.at<float>(y, 0) < depth.at<float>(best, 0)) best = y;
  }
  return best;
}

void measure_joint(const cv::Mat& grey, std::optional<KneeSide> side, ImageQuality& quality) {
  DecodedImage righted{grey.cols, grey.rows, 8, {grey.datastart, grey.dataend}};
  const auto place = locate_in_crop(righted, side);
  if (place) {
    quality.joint_row_percent = 100 * place->joint_row_px / grey.rows;
    quality.joint_column_percent = 100 * place->joint_column_px / grey.cols;
  }
  // A knee that is turned far may not be found, and is turned all the same.
  constexpr double kUsualJointRow = 0.592;
  const double row_px = place ? place->joint_row_px : kUsualJointRow * grey.rows;
  const double left = darkest_row(grey, row_px, 0.20, 0.38);
  const double right = darkest_row(grey, row_px, 0.62, 0.80);
  quality.tilt_deg = std::atan2(right - left, 0.42 * grey.cols) * 180 / std::numbers::pi;
}

}  // namespace

ImageQuality measure_quality(const DecodedImage& image, std::optional<KneeSide> side) {
  ImageQuality quality;
  quality.width_px = image.width_px;
  quality.height_px = image.height_px;
  quality.colour_percent = image.colour_percent;
  cv::Mat grey = to_8_bit(image);
  quality.polarity = knee_polarity({grey.ptr<std::uint8_t>(), grey.rows, grey.cols});
  if (quality.polarity < kNegativePolarity) cv::bitwise_not(grey, grey);
  quality.black_percent = percent_of(grey == 0);
  quality.white_percent = percent_of(grey == 255);
  quality.mean_grey = cv::mean(grey)[0];
  quality.metal_percent = metal_percent(grey);
  constexpr int kLeastSide_px = 64;
  if (grey.rows >= kLeastSide_px && grey.cols >= kLeastSide_px) measure_joint(grey, side, quality);
  return quality;
}

std::vector<std::string> quality_flags(const ImageQuality& q) {
  std::vector<std::string> flags;
  const auto flag = [&](bool raised, const char* name) {
    if (raised) flags.emplace_back(name);
  };
  flag(q.polarity < kNegativePolarity, "negative");
  flag(q.black_percent > kMostBlack_percent || q.white_percent > kMostWhite_percent, "clipped");
  flag(q.mean_grey < kLeastMean_grey, "underexposed");
  flag(q.mean_grey > kMostMean_grey, "overexposed");
  flag(q.colour_percent > kMostColour_percent, "coloured");
  flag(q.metal_percent > kMostMetal_percent, "hardware");
  const bool centred = q.joint_row_percent && *q.joint_row_percent >= kLeastJointRow_percent &&
                       *q.joint_row_percent <= kMostJointRow_percent &&
                       std::abs(*q.joint_column_percent - 50) <= kMostJointOffset_percent;
  flag(!centred, "off_centre");
  flag(q.tilt_deg && std::abs(*q.tilt_deg) > kMostTilt_deg, "rotated");
  return flags;
}

}  // namespace genu::pipeline
