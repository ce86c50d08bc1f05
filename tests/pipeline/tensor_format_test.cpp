#include "pipeline/loader/tensor_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace genu::pipeline {
namespace {

const std::vector<std::uint8_t> kPixels = {0, 51, 102, 153, 204, 255};
const GreyView kView{kPixels.data(), 2, 3};
const PixelStatistics kStatistics{100, 50};

std::vector<float> tensor(const TensorFormat& format) {
  std::vector<float> out(tensor_shape(format, 2, 3).size());
  make_tensor(kView, {}, format, kStatistics, out);
  return out;
}

TEST(TensorFormat, EachNormalisationMatchesItsFormula) {
  const auto unit = tensor({0, 1, Normalisation::kUnit});
  const auto dataset = tensor({0, 1, Normalisation::kDataset});
  const auto tensorflow = tensor({0, 1, Normalisation::kTensorflow});
  const auto per_image = tensor({0, 1, Normalisation::kPerImage});
  const auto imagenet = tensor({0, 3, Normalisation::kImagenet});
  const double sd = 51 * std::sqrt(35.0 / 12);  // of 0 .. 5, times 51
  for (std::size_t i = 0; i < kPixels.size(); ++i) {
    const double x = kPixels[i];
    EXPECT_NEAR(unit[i], x / 255, 1e-6);
    EXPECT_NEAR(dataset[i], (x - 100) / 50, 1e-6);
    EXPECT_NEAR(tensorflow[i], x / 127.5 - 1, 1e-6);
    EXPECT_NEAR(per_image[i], 0.5 * (x - 127.5) / (sd + 1), 1e-5);
    EXPECT_NEAR(imagenet[i], (x / 255 - 0.485) / 0.229, 1e-5);
    EXPECT_NEAR(imagenet[i + 6], (x / 255 - 0.456) / 0.224, 1e-5);
    EXPECT_NEAR(imagenet[i + 12], (x / 255 - 0.406) / 0.225, 1e-5);
  }
}

TEST(TensorFormat, ThreeChannelsAreEqualOutsideImagenet) {
  const auto out = tensor({0, 3, Normalisation::kDataset});
  ASSERT_EQ(out.size(), 18u);
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 6, out.begin() + 6));
  EXPECT_TRUE(std::equal(out.begin(), out.begin() + 6, out.begin() + 12));
}

TEST(TensorFormat, ResizesToTheAskedSide) {
  std::vector<std::uint8_t> pixels(8 * 8, 200);
  std::vector<float> out(16);
  make_tensor({pixels.data(), 8, 8}, {}, {4, 1, Normalisation::kUnit}, {}, out);
  for (const float value : out) EXPECT_NEAR(value, 200 / 255.0, 1e-6);
}

TEST(TensorFormat, RowsAreCutOutBehindSizeAndAugmentation) {
  std::vector<std::uint8_t> pixels(10 * 10);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>((i * 37) % 251);
  const GreyView view{pixels.data(), 10, 10};
  AugmentParameters moved;
  moved.rotation_deg = 20;
  const TensorFormat whole{20, 1, Normalisation::kUnit};
  TensorFormat band = whole;
  band.rows = {0.25, 0.6};
  ASSERT_EQ(tensor_shape(band, 10, 10), (TensorShape{1, 7, 20}));
  std::vector<float> all(400), shown(140);
  make_tensor(view, moved, whole, {}, all);
  make_tensor(view, moved, band, {}, shown);
  EXPECT_TRUE(std::equal(shown.begin(), shown.end(), all.begin() + 5 * 20));
  // An image's own mean is that of what is shown.
  band.normalisation = Normalisation::kPerImage;
  make_tensor(view, moved, band, {}, shown);
  EXPECT_NEAR(std::accumulate(shown.begin(), shown.end(), 0.0), 0, 1e-3);
}

TEST(TensorFormat, RowsAreAtLeastOneAndInside) {
  for (const RowBand band : {RowBand{0, 1}, RowBand{0.999, 1}, RowBand{0, 0.001}, RowBand{0.5, 0.5001}}) {
    for (const int height : {1, 2, 7, 224}) {
      const RowRange rows = rows_of(band, height);
      EXPECT_GE(rows.first, 0);
      EXPECT_GE(rows.count, 1);
      EXPECT_LE(rows.first + rows.count, height);
    }
  }
  EXPECT_EQ(rows_of({0.3, 0.85}, 224).first, 67);
  EXPECT_EQ(rows_of({0.3, 0.85}, 224).count, 123);
}

TEST(TensorFormat, AugmentationIsAppliedBeforeNormalisation) {
  AugmentParameters flip;
  flip.flip = true;
  std::vector<float> out(6);
  make_tensor(kView, flip, {0, 1, Normalisation::kUnit}, {}, out);
  EXPECT_NEAR(out[0], 0.4, 1e-6);
  EXPECT_NEAR(out[5], 0.6, 1e-6);
}

}  // namespace
}  // namespace genu::pipeline
