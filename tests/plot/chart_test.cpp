#include "plot/chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "plot/matrix.h"

namespace genu::plot {
namespace {

std::size_t pixels_of(const PngImage& image, int red, int green, int blue, int tolerance = 12) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < image.bytes.size(); i += 3) {
    count += std::abs(image.bytes[i] - red) <= tolerance && std::abs(image.bytes[i + 1] - green) <= tolerance &&
                     std::abs(image.bytes[i + 2] - blue) <= tolerance
                 ? 1u
                 : 0u;
  }
  return count;
}

Chart line(std::vector<double> y) {
  Chart chart{.title = "A line", .x = {.label = "x"}, .y = {.label = "y", .low = 0, .high = 1}};
  Series series{.name = "line"};
  for (std::size_t i = 0; i < y.size(); ++i) series.x.push_back(static_cast<double>(i));
  series.y = std::move(y);
  chart.series.push_back(series);
  return chart;
}

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(tick_values(0, 1, Axis::Ticks::kAny), (std::vector<double>{0, 0.2, 0.4, 0.2 * 3, 0.8, 1}));
  EXPECT_EQ(tick_values(0.6, 3.4, Axis::Ticks::kWhole), (std::vector<double>{1, 2, 3}));
  for (const double high : {0.003, 0.9, 7.0, 15.0, 49.0, 1234.0}) {
    const auto ticks = tick_values(0, high, Axis::Ticks::kAny);
    EXPECT_GE(ticks.size(), 3u) << high;
    EXPECT_LE(ticks.size(), 10u) << high;
    EXPECT_LE(ticks.back(), high * (1 + 1e-9));
  }
}

TEST(Chart, HasTheSameBytesEachTimeAndTheSizeItSays) {
  const PngImage once = draw_charts({line({0, 0.5, 1}), line({1, 0})});
  EXPECT_EQ(once, draw_charts({line({0, 0.5, 1}), line({1, 0})}));
  EXPECT_EQ(once.width_px, 1440);
  EXPECT_EQ(once.height_px, 560);
  EXPECT_NE(once, draw_charts({line({0, 0.6, 1}), line({1, 0})}));
}

// Blue ink of the first palette colour: a line is drawn where its values are, and none where they are not finite.
TEST(Chart, DrawsWhatIsFinite) {
  const double nan = std::nan("");
  const std::size_t whole = pixels_of(draw_charts({line({0.5, 0.5, 0.5})}), 0, 115, 178);
  const std::size_t half = pixels_of(draw_charts({line({0.5, 0.5, nan})}), 0, 115, 178);
  EXPECT_GT(whole, 1000u);
  EXPECT_LT(half, whole * 2 / 3);
  EXPECT_GT(half, whole / 3);
  // In the middle: a gap, not a bridge.
  EXPECT_LT(pixels_of(draw_charts({line({0.5, nan, 0.5})}), 0, 115, 178), whole / 3);
  EXPECT_NO_THROW(draw_charts({line({})}));
  EXPECT_NO_THROW(draw_charts({line({nan, nan})}));
  Chart wrong = line({1, 2});
  wrong.series[0].x.pop_back();
  EXPECT_THROW(draw_charts({wrong}), InternalError);
}

TEST(Matrix, ShadesByTheShareOfTheRow) {
  const Matrix matrix{"t", "true", "predicted", {"a", "b"}, {{4, 0}, {0, 0}}};
  const PngImage image = draw_matrix(matrix);
  EXPECT_GT(pixels_of(image, 8, 64, 120), 40000u);  // one full cell of four, less its letters
  EXPECT_EQ(image, draw_matrix(matrix));
}

}  // namespace
}  // namespace genu::plot
