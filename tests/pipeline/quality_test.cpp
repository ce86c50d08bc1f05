#include "pipeline/quality/image_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/quality/measure_listing.h"
#include "pipeline/source/mendeley.h"
#include "tests/pipeline/test_images.h"
#include "tests/temporary_folder.h"

namespace genu::pipeline {
namespace {

namespace fs = std::filesystem;

// The mean synthetic knee over a knee's coarse grey, 224 px.
cv::Mat knee() {
  static const std::array<float, 32 * 32> kMean = {
#include "pipeline/locate/knee_template.inc"
  };
  cv::Mat small(32, 32, CV_32F);
  std::copy(kMean.begin(), kMean.end(), small.begin<float>());
  cv::Mat detail;
  cv::resize(small, detail, {224, 224}, 0, 0, cv::INTER_CUBIC);
  cv::Mat out(224, 224, CV_8U);
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) {
      const double grey = 70 + 90 * std::exp(-std::pow((x - 111.5) / 75, 4)) + 0.3 * detail.at<float>(y, x);
      out.at<std::uint8_t>(y, x) = cv::saturate_cast<std::uint8_t>(grey);
    }
  }
  return out;
}

ImageQuality measure(const cv::Mat& picture) {
  return measure_quality({picture.cols, picture.rows, 8, {picture.datastart, picture.dataend}}, KneeSide::kLeft);
}

// Every flag, joined by semicolons.
std::string new_flags(const cv::Mat& picture) {
  std::string text;
  for (const auto& flag : quality_flags(measure(picture))) text += (text.empty() ? "" : ";") + flag;
  return text;
}

TEST(ImageQuality, AGoodKneeRaisesNothing) {
  const ImageQuality quality = measure(knee());
  EXPECT_EQ(new_flags(knee()), "");
  EXPECT_GT(quality.polarity, 0.5);
  ASSERT_TRUE(quality.joint_row_percent.has_value());
  EXPECT_NEAR(*quality.joint_row_percent, 59, 2);
  EXPECT_NEAR(*quality.joint_column_percent, 50, 2);
  EXPECT_NEAR(*quality.tilt_deg, 0, 3);
}

TEST(ImageQuality, EachFaultRaisesItsFlag) {
  EXPECT_EQ(new_flags(255 - knee()), "negative");
  cv::Mat clipped = knee();
  clipped(cv::Rect(0, 0, 24, 224)).setTo(0);
  EXPECT_EQ(new_flags(clipped), "clipped");
  cv::Mat dark;
  knee().convertTo(dark, CV_8U, 0.4, 0);
  EXPECT_EQ(new_flags(dark), "underexposed");
  cv::Mat light;
  knee().convertTo(light, CV_8U, 0.2, 215 - 0.2 * 130 + 12);
  EXPECT_EQ(new_flags(light), "overexposed");
  cv::Mat plate = knee();
  cv::rectangle(plate, cv::Rect(100, 170, 8, 50), 254, cv::FILLED);
  EXPECT_EQ(new_flags(plate), "hardware");
  cv::Mat low;
  const cv::Mat shift_down = (cv::Mat_<double>(2, 3) << 1, 0, 0, 0, 1, 32);
  cv::warpAffine(knee(), low, shift_down, {224, 224}, cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  EXPECT_EQ(new_flags(low), "off_centre");
}

TEST(MeasureListing, NamesDamageDuplicatesAndOtherSizes) {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& name, const PngImage& image) { write_png(folder.path() / name, image); };
  put("0/9000000L.png", knee_like(1, 96));
  put("0/9000001L.png", knee_like(2, 96));
  put("0/9000002L.png", knee_like(1, 96));
  put("0/9000003L.png", knee_like(4, 80));
  put("0/9000004L.png", knee_like(5, 96));
  write_file_atomically(folder.path() / "0/9000005L.png", "text");
  write_file_atomically(folder.path() / "0/9000006L.png", "");
  const auto whole = read_text_file(folder.path() / "0/9000004L.png");
  write_file_atomically(folder.path() / "0/9000004L.png", std::string_view(whole).substr(0, whole.size() / 2));
  auto listing = list_mendeley(folder.path(), FaultPolicy::kStop);
  for (auto& sample : listing.samples) sample.sha256 = sha256_file(sample.path);
  auto strict = listing;
  const auto quality = measure_listing(listing, FaultPolicy::kSkip);
  ASSERT_EQ(listing.samples.size(), 4u);
  ASSERT_EQ(quality.cells.rows.size(), 4u);
  EXPECT_EQ(listing.skipped.size(), 3u);
  EXPECT_NE(quality.cells.rows[2][0].find("duplicate"), std::string::npos);
  EXPECT_NE(quality.cells.rows[2].back().find("9000000L.png"), std::string::npos);
  EXPECT_NE(quality.cells.rows[3][0].find("wrong_size"), std::string::npos);
  EXPECT_EQ(quality.flags.at("duplicate"), 1u);
  EXPECT_EQ(quality.flags.at("wrong_size"), 1u);
  EXPECT_THROW(measure_listing(strict, FaultPolicy::kStop), DataError);
  for (const auto& row : quality.cells.rows) EXPECT_EQ(row.size(), quality.cells.columns.size());
}

// The 84 negatives of the real folder are found, and none else.
TEST(MeasureListing, RealNegatives) {
  const char* given = std::getenv("GENU_REAL_DATA");
  const fs::path real = given != nullptr ? fs::path(given) : fs::path(GENU_SOURCE_DIR) / "../shared/data/mendeley";
  if (!fs::is_directory(real / "val")) GTEST_SKIP() << "no real films at " << real;
  auto listing = list_mendeley(real, FaultPolicy::kSkip);
  const std::size_t films = listing.samples.size();
  if (films != 6604) GTEST_SKIP() << "not the 6,604 films of train and val";
  std::erase_if(listing.samples, [](const SourceSample& sample) { return sample.split != Split::kVal; });
  const auto quality = measure_listing(listing, FaultPolicy::kStop);
  EXPECT_EQ(quality.flags.at("negative"), 14u);
  for (const auto& [flag, count] : quality.flags) {
    std::printf("%s %zu of %zu\n", flag.c_str(), count, listing.samples.size());
  }
}

}  // namespace
}  // namespace genu::pipeline
