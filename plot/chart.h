// Line charts with axes, grid and legend, drawn with Cairo. The same chart gives the same bytes on the same machine;
// the letters are DejaVu Sans.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/png.h"

namespace genu::plot {

struct Axis {
  std::string label = {};
  std::optional<double> low = {};                         // nothing = from the data, with a margin of 5 %
  std::optional<double> high = {};                        // > low
  enum class Ticks { kAny, kWhole } ticks = Ticks::kAny;  // whole: epochs, counts
};

struct Series {
  std::string name = {};  // in the legend; "" = not there
  std::vector<double> x = {};
  std::vector<double> y = {};  // as many; a pair that is not finite breaks the line
  enum class Style { kLine, kLineAndDots, kDashed, kBars } style = Style::kLine;
  std::size_t colour = 0;  // position in the palette, which repeats; dashed lines are grey
  double bar_width = 0;    // of kBars, in x
};

struct Chart {
  std::string title = {};
  Axis x = {};
  Axis y = {};
  std::vector<Series> series = {};
  enum class Legend { kTopRight, kBottomRight, kTopLeft } legend = Legend::kTopRight;
};

// Panels side by side, each 720 x 560 px. Requires one or more.
PngImage draw_charts(const std::vector<Chart>& charts);

// Round steps (1, 2 or 5 times a power of ten) that cut [low, high] into three to nine parts; those inside it.
// Requires low < high.
std::vector<double> tick_values(double low, double high, Axis::Ticks ticks);

}  // namespace genu::plot
