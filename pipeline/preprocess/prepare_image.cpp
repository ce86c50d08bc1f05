#include "pipeline/preprocess/prepare_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "core/errors.h"
#include "pipeline/orient/polarity.h"

namespace genu::pipeline {

namespace {

cv::Mat as_matrix(const DecodedImage& image) {
  return {image.height_px, image.width_px, image.bit_depth == 16 ? CV_16U : CV_8U,
          const_cast<std::uint8_t*>(image.bytes.data())};
}

template <class T>
std::vector<std::uint64_t> histogram(const cv::Mat& image) {
  std::vector<std::uint64_t> counts(std::size_t{1} << (8 * sizeof(T)));
  for (int y = 0; y < image.rows; ++y) {
    const T* row = image.ptr<T>(y);
    for (int x = 0; x < image.cols; ++x) ++counts[row[x]];
  }
  return counts;
}

// Smallest grey level that at least `percent` of the pixels do not exceed.
double percentile(const std::vector<std::uint64_t>& counts, double percent, double total) {
  double seen = 0;
  for (std::size_t level = 0; level < counts.size(); ++level) {
    seen += static_cast<double>(counts[level]);
    if (seen >= percent / 100.0 * total && seen > 0) return static_cast<double>(level);
  }
  return static_cast<double>(counts.size() - 1);
}

// To 8 bits: the full range, or the range between two percentiles.
cv::Mat to_8_bit(const cv::Mat& image, const PreprocessConfig& config) {
  const bool stretch = config.stretch_low_percent > 0 || config.stretch_high_percent < 100;
  if (!stretch && image.depth() == CV_8U) return image;
  double low = 0;
  double high = 65535;
  if (stretch) {
    const auto counts = image.depth() == CV_16U ? histogram<std::uint16_t>(image) : histogram<std::uint8_t>(image);
    const auto total = static_cast<double>(image.total());
    low = percentile(counts, config.stretch_low_percent, total);
    high = std::max(low + 1, percentile(counts, config.stretch_high_percent, total));
  }
  cv::Mat out;
  image.convertTo(out, CV_8U, 255.0 / (high - low), -low * 255.0 / (high - low));
  return out;
}

cv::Size target_size(const cv::Mat& image, const PreprocessConfig& config) {
  if (config.fit == Fit::kStretch) return {config.size_px, config.size_px};
  const double scale = static_cast<double>(config.size_px) / std::max(image.cols, image.rows);
  const auto side = [&](int length) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, config.size_px);
  };
  return {side(image.cols), side(image.rows)};
}

cv::Mat resize(const cv::Mat& image, const cv::Size& size) {
  if (image.size() == size) return image;
  const bool shrinks = size.width < image.cols || size.height < image.rows;
  cv::Mat out;
  cv::resize(image, out, size, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  return out;
}

cv::Mat pad_to_square(const cv::Mat& image, int size_px) {
  if (image.cols == size_px && image.rows == size_px) return image;
  const int left = (size_px - image.cols) / 2;
  const int top = (size_px - image.rows) / 2;
  cv::Mat out;
  cv::copyMakeBorder(image, out, top, size_px - image.rows - top, left, size_px - image.cols - left,
                     cv::BORDER_CONSTANT, cv::Scalar(0));
  return out;
}

bool mirrors(std::optional<KneeSide> side, const PreprocessConfig& config) {
  return config.orientation == Orientation::kAsLeft && side == KneeSide::kRight;
}

cv::Mat equalise(const cv::Mat& image, const PreprocessConfig& config) {
  if (!(config.clahe_clip > 0)) return image;
  cv::Mat out;
  cv::createCLAHE(config.clahe_clip, {config.clahe_tiles, config.clahe_tiles})->apply(image, out);
  return out;
}

GreyHistogram count_grey(const cv::Mat& image) {
  GreyHistogram counts{};
  for (int y = 0; y < image.rows; ++y) {
    const auto* row = image.ptr<std::uint8_t>(y);
    for (int x = 0; x < image.cols; ++x) ++counts[row[x]];
  }
  return counts;
}

cv::Mat match(const cv::Mat& image, const PreprocessConfig& config) {
  if (config.match_histogram == HistogramMatching::kOff) return image;
  if (config.histogram_reference.size() != kGreyLevels) {
    throw ConfigError("match_histogram: train needs histogram_reference; let `genu shard` fit it");
  }
  auto table = matching_table(count_grey(image), config.histogram_reference);
  cv::Mat out;
  cv::LUT(image, cv::Mat(1, static_cast<int>(table.size()), CV_8U, table.data()), out);
  return out;
}

// Row by row, for cv::flip of Debian's OpenCV goes byte by byte.
cv::Mat mirrored(const cv::Mat& image) {
  cv::Mat out(image.size(), CV_8U);
  for (int y = 0; y < image.rows; ++y) {
    const auto* from = image.ptr<std::uint8_t>(y);
    std::reverse_copy(from, from + image.cols, out.ptr<std::uint8_t>(y));
  }
  return out;
}

GreyView view_of(const cv::Mat& image) { return {image.ptr<std::uint8_t>(), image.rows, image.cols}; }

}  // namespace

void PreprocessConfig::list_fields(FieldList& fields) {
  fields.add("size_px", size_px, Range{16, 4096}, "side of the stored square");
  fields.choice("fit", fit, {{"letterbox", Fit::kLetterbox}, {"stretch", Fit::kStretch}},
                "films that are not square: keep proportions and pad, or fill the square");
  fields.choice("negatives", negatives, {{"right", Negatives::kRight}, {"keep", Negatives::kKeep}},
                "invert films whose bone is dark, or leave them");
  fields.choice("orientation", orientation, {{"as_left", Orientation::kAsLeft}, {"keep", Orientation::kKeep}},
                "mirror right knees, or leave them");
  fields.add("stretch_low_percent", stretch_low_percent, Range{0.0, 49.0}, "percentile that becomes black; 0 = none");
  fields.add("stretch_high_percent", stretch_high_percent, Range{51.0, 100.0},
             "percentile that becomes white; 100 = none");
  fields.choice("match_histogram", match_histogram,
                {{"off", HistogramMatching::kOff}, {"train", HistogramMatching::kTrain}},
                "map each film's grey levels to the distribution of the training films");
  fields.add("histogram_reference", histogram_reference, Range{0.0, 1.0}, Range{0, static_cast<int>(kGreyLevels)},
             "fitted by shard: share of the training pixels at or below each grey level");
  fields.add("clahe_clip", clahe_clip, Range{0.0, 100.0}, "clip limit of adaptive equalisation; 0 = off");
  fields.add("clahe_tiles", clahe_tiles, Range{1, 64}, "tiles a side of adaptive equalisation");
}

namespace {

// Grey range, size and polarity: all that comes before padding.
struct SizedImage {
  cv::Mat pixels;
  double polarity = 0;
  bool was_negative = false;
};

void check_size(const DecodedImage& image) {
  constexpr int kSmallestSide = 16;
  if (image.width_px >= kSmallestSide && image.height_px >= kSmallestSide) return;
  throw DataError(fmt::format("image of {} x {} px is smaller than {} px a side; use the full film", image.width_px,
                              image.height_px, kSmallestSide));
}

SizedImage size_and_right(const DecodedImage& image, const PreprocessConfig& config) {
  check_size(image);
  // 1. Grey range and size. An image that already fits is not copied.
  const cv::Mat grey = to_8_bit(as_matrix(image), config);
  cv::Mat sized = resize(grey, target_size(grey, config));
  if (!sized.isContinuous()) sized = sized.clone();

  // 2. Right negatives before padding, so that padding stays black.
  SizedImage out;
  out.polarity = knee_polarity(view_of(sized));
  out.was_negative = config.negatives == Negatives::kRight && out.polarity < kNegativePolarity;
  if (out.was_negative) {
    cv::Mat righted;
    cv::bitwise_not(sized, righted);
    sized = righted;
  }
  out.pixels = sized;
  return out;
}

}  // namespace

GreyHistogram grey_histogram(const DecodedImage& image, const PreprocessConfig& config) {
  return count_grey(size_and_right(image, config).pixels);
}

std::vector<double> histogram_reference(const GreyHistogram& counts) {
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  std::vector<double> reference;
  std::uint64_t seen = 0;
  for (const std::uint64_t count : counts) {
    seen += count;
    reference.push_back(static_cast<double>(seen) / total);
  }
  return reference;
}

std::array<std::uint8_t, kGreyLevels> matching_table(const GreyHistogram& counts,
                                                     const std::vector<double>& reference) {
  const std::vector<double> shares = histogram_reference(counts);
  std::array<std::uint8_t, kGreyLevels> table{};
  for (std::size_t level = 0; level < table.size(); ++level) {
    const auto found = std::lower_bound(reference.begin(), reference.end(), shares[level]);
    const auto to = static_cast<std::size_t>(found - reference.begin());
    table[level] = static_cast<std::uint8_t>(std::min(to, kGreyLevels - 1));
  }
  return table;
}

PreparedImage prepare_image(const DecodedImage& image, std::optional<KneeSide> side, const PreprocessConfig& config) {
  const SizedImage sized = size_and_right(image, config);
  PreparedImage prepared;
  prepared.polarity = sized.polarity;
  prepared.was_negative = sized.was_negative;
  cv::Mat square = pad_to_square(match(sized.pixels, config), config.size_px);

  // 3. One orientation.
  prepared.was_mirrored = mirrors(side, config);
  if (prepared.was_mirrored) square = mirrored(square);

  // 4. Local contrast.
  const cv::Mat last = equalise(square, config);
  prepared.height_px = last.rows;
  prepared.width_px = last.cols;
  prepared.pixels.assign(last.datastart, last.dataend);
  return prepared;
}

std::vector<std::uint8_t> prepare_labels(const DecodedImage& labels, std::optional<KneeSide> side,
                                         const PreprocessConfig& config) {
  check_size(labels);
  if (labels.bit_depth != 8) throw DataError("a label map has 8 bits a pixel, not 16; generate the set again");
  const cv::Mat whole = as_matrix(labels);
  cv::Mat sized;
  cv::resize(whole, sized, target_size(whole, config), 0, 0, cv::INTER_NEAREST_EXACT);
  cv::Mat square = pad_to_square(sized, config.size_px);
  if (mirrors(side, config)) square = mirrored(square);
  if (!square.isContinuous()) square = square.clone();
  return {square.datastart, square.dataend};
}

}  // namespace genu::pipeline
