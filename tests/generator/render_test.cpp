#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "generator/dataset/knee_sample.h"
#include "generator/truth/label_map.h"

namespace genu::generator {
namespace {

class Render : public ::testing::Test {
 protected:
  RenderedKnee draw(const KneeSample& sample) { return render_knee(config_, sample, resources_, work_); }
  KneeSample knee(int grade, int index) const {
    return sample_knee(config_, planned_sample(Split::kTrain, KlGrade(grade), index));
  }

  GenerateConfig config_;
  RenderResources resources_{config_};
  RenderWorkspace work_{config_.image_size_px};
};

std::array<int, 256> histogram(const Image<std::uint8_t>& image) {
  std::array<int, 256> counts{};
  for (const std::uint8_t v : image.pixels) ++counts[v];
  return counts;
}

TEST_F(Render, IsAFunctionOfTheSampleAlone) {
  const KneeSample a = knee(4, 3);
  const RenderedKnee first = draw(a);
  draw(knee(0, 1));  // whatever came before leaves no trace in the workspace
  const RenderedKnee again = draw(knee(4, 3));
  EXPECT_EQ(first.picture, again.picture);
  EXPECT_EQ(first.labels, again.labels);
}

TEST_F(Render, OtherSeedsAndIndicesGiveOtherPictures) {
  const RenderedKnee first = draw(knee(2, 0));
  EXPECT_NE(first.picture, draw(knee(2, 1)).picture);
  GenerateConfig other = config_;
  ++other.seed;
  EXPECT_NE(first.picture, draw(sample_knee(other, planned_sample(Split::kTrain, KlGrade(2), 0))).picture);
}

TEST_F(Render, LabelsAreValidAndLesionsStandWhereTheManifestSays) {
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    for (int index = 0; index < 40; ++index) {
      const KneeSample sample = knee(grade, index);
      const auto counts = histogram(draw(sample).labels);
      for (std::size_t value = kLabelCount; value < 256; ++value) ASSERT_EQ(counts[value], 0);
      const auto pixels = [&](Label label) { return counts[static_cast<std::size_t>(label)]; };
      EXPECT_GT(pixels(Label::kFemur) + pixels(Label::kPatella), 8000) << sample.id;
      EXPECT_GT(pixels(Label::kTibia), 4000) << sample.id;
      EXPECT_GT(pixels(Label::kJointSpace), 40) << sample.id;
      EXPECT_EQ(pixels(Label::kHardware) > 0, sample.features.hardware.kind != HardwareKind::kNone) << sample.id;
      int largest = 0;
      for (const Osteophyte& osteophyte : sample.features.osteophytes)
        largest = std::max(largest, osteophyte.oarsi_grade);
      EXPECT_TRUE(largest < 2 || pixels(Label::kOsteophyte) > 8) << sample.id;
      EXPECT_TRUE(grade > 0 || pixels(Label::kOsteophyte) == 0) << sample.id;
      const bool sclerosis = sample.features.medial.sclerosis + sample.features.lateral.sclerosis > 0;
      EXPECT_EQ(pixels(Label::kSclerosis) > 0, sclerosis) << sample.id;
      EXPECT_EQ(pixels(Label::kCyst) > 0, !sample.features.cysts.empty()) << sample.id;
    }
  }
}

// A right knee is the mirror image of the left one, up to texture and noise: the labels mirror exactly.
TEST_F(Render, RightKneesMirrorLeftOnes) {
  KneeSample left = knee(3, 5), right = left;
  left.frame = make_frame(224, left.anatomy.femur_width_mm, 0.02, KneeSide::kLeft, left.positioning);
  right.frame = make_frame(224, left.anatomy.femur_width_mm, 0.02, KneeSide::kRight, left.positioning);
  const Image<std::uint8_t> a = draw(left).labels, b = draw(right).labels;
  int different = 0;
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; ++x) different += a.at(x, y) == b.at(223 - x, y) ? 0 : 1;
  }
  EXPECT_LT(different, 60);  // pixel centres that lie on an outline
}

TEST_F(Render, FibulaLiesLaterally) {
  for (int index = 0; index < 20; ++index) {
    const KneeSample sample = knee(1, index);
    const Image<std::uint8_t> labels = draw(sample).labels;
    double sum = 0;
    int count = 0;
    for (int y = 0; y < labels.height_px; ++y) {
      for (int x = 0; x < labels.width_px; ++x) {
        if (labels.at(x, y) != static_cast<std::uint8_t>(Label::kFibula)) continue;
        sum += x;
        ++count;
      }
    }
    if (count == 0) continue;
    EXPECT_EQ(sum / count > 112, sample.anatomy.side == KneeSide::kLeft) << sample.id;
  }
}

TEST_F(Render, FemurFillsTheMeasuredShareOfTheWidth) {
  double sum = 0;
  for (int index = 0; index < 200; ++index) {
    const KneeSample sample = knee(0, index);
    sum += sample.anatomy.femur_width_mm / sample.frame.pixel_spacing_mm / 224;
  }
  EXPECT_NEAR(sum / 200, 0.872, 0.01);
}

TEST_F(Render, NegativesAreOnlyTheirShare) {
  KneeSample sample = knee(0, 0);
  const Image<std::uint8_t> bright = draw(sample).picture;
  sample.look.polarity = Polarity::kBoneDark;
  const Image<std::uint8_t> dark = draw(sample).picture;
  for (std::size_t i = 0; i < bright.pixels.size(); ++i) ASSERT_NEAR(255 - bright.pixels[i], dark.pixels[i], 1);
  EXPECT_EQ(sample_knee(config_, planned_sample(Split::kTrain, KlGrade(0), 9)).look.polarity, Polarity::kBoneBright);
}

// The rows that come one by one against the plain double sum, at every reach of the kernel and odd sizes.
TEST(GaussianBlur, AgreesWithTheSlowTwin) {
  Image<float> image(37, 11);
  RandomStream stream(5, 0, "blur");
  stream.fill_normal(image.pixels);
  for (const double sigma : {0.05, 0.3, 0.55, 0.9, 1.4, 2.0}) {
    GaussianBlur blur(sigma, image.width_px);
    double norm = 0;
    for (int k = -4; k <= 4; ++k) norm += std::exp(-0.5 * k * k / (sigma * sigma));
    for (int y = 0; y < image.height_px; ++y) {
      const float* row = blur.row(image, y);
      for (int x = 0; x < image.width_px; ++x) {
        double sum = 0;
        for (int j = -4; j <= 4; ++j) {
          for (int i = -4; i <= 4; ++i) {
            sum += std::exp(-0.5 * (i * i + j * j) / (sigma * sigma)) / (norm * norm) *
                   image.at(std::clamp(x + i, 0, 36), std::clamp(y + j, 0, 10));
          }
        }
        ASSERT_NEAR(row[x], sum, 2e-3) << sigma << " at " << x << ", " << y;  // taps below 1e-4 are left out
      }
    }
  }
}

// SD of what is finer than a 9 x 9 box, over the pixels of the sharp picture whose box mean lies between two greys.
double fine_sd(const Image<std::uint8_t>& picture, double low, double high) {
  double squares = 0;
  int count = 0;
  for (int y = 4; y + 4 < picture.height_px; ++y) {
    for (int x = 4; x + 4 < picture.width_px; ++x) {
      double sum = 0;
      for (int j = -4; j <= 4; ++j) {
        for (int i = -4; i <= 4; ++i) sum += picture.at(x + i, y + j);
      }
      const double mean = sum / 81;
      if (mean < low || mean > high) continue;
      squares += std::pow(picture.at(x, y) - mean, 2);
      ++count;
    }
  }
  return std::sqrt(squares / std::max(1, count));
}

// Detail in a flat and in a contrasty film of one knee: in proportion to the contrast by the look-up alone, alike with
// constancy.
TEST_F(Render, ConstantDetailDoesNotFollowTheFilmsContrast) {
  const auto ratio = [&](double constancy) {
    std::array<double, 2> sd{};
    for (std::size_t i = 0; i < 2; ++i) {
      KneeSample sample = knee(1, 3);
      sample.look.mean_grey = 130;
      sample.look.sd_grey = i == 0 ? 20 : 50;
      sample.look.detail_constancy = constancy;
      sd[i] = fine_sd(draw(sample).picture, 0, 255);
    }
    return sd[1] / sd[0];
  };
  EXPECT_GT(ratio(0), 1.9);
  EXPECT_NEAR(ratio(1), 1, 0.2);
}

// A steep look-up flattens bright bone; even detail is as strong there as where the curve is steep.
TEST_F(Render, EvenDetailLastsIntoTheBrightParts) {
  const auto bright = [&](double evenness) {
    KneeSample sample = knee(1, 3);
    sample.look.curve_steepness = 4;
    sample.look.mean_grey = 150;
    sample.look.sd_grey = 50;
    sample.look.detail_evenness = evenness;
    return fine_sd(draw(sample).picture, 175, 255);
  };
  EXPECT_GT(bright(1), 1.1 * bright(0));
}

// A contrast that a dial sets counts as one that was drawn.
TEST_F(Render, ConstancyGoesByTheContrastThatIsShown) {
  GenerateConfig config;
  config.display.detail_constancy = 1;
  const auto fine = [&](double sd_grey) {
    config.dials.set("mean_grey", 130);
    config.dials.set("sd_grey", sd_grey);
    return fine_sd(draw(sample_knee(config, planned_sample(Split::kTrain, KlGrade(1), 3))).picture, 0, 255);
  };
  EXPECT_NEAR(fine(50) / fine(20), 1, 0.2);
}

// Exposure spread of the films (real_film_statistics.md): picture means from dark to nearly white.
TEST_F(Render, FilmsSpreadAsRealOnesDo) {
  std::vector<double> means;
  for (int index = 0; index < 150; ++index) {
    const Image<std::uint8_t> picture = draw(knee(index % 5, index)).picture;
    double sum = 0;
    for (const std::uint8_t v : picture.pixels) sum += v;
    means.push_back(sum / static_cast<double>(picture.pixels.size()));
  }
  std::sort(means.begin(), means.end());
  EXPECT_NEAR(means[75], 156, 9);
  EXPECT_LT(means[4], 115);
  EXPECT_GT(means[145], 190);
}

}  // namespace
}  // namespace genu::generator
