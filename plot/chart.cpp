#include "plot/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/errors.h"
#include "plot/pen.h"

namespace genu::plot {

namespace {

constexpr int kWidth = 720, kHeight = 560;
constexpr double kLeft = 84, kRight = 28, kTop = 56, kBottom = 70;
constexpr double kSmall = 15, kLabel = 17, kTitle = 19;

struct Range {
  double low = 0;
  double high = 1;
};

struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

Range range_of(const Axis& axis, const std::vector<Series>& series, std::vector<double> Series::*values) {
  Extent seen;
  for (const Series& one : series) {
    for (const double value : one.*values) seen.add(value);
  }
  if (!(seen.low <= seen.high)) seen = {0, 1};
  if (seen.low == seen.high) seen = {seen.low - 0.5, seen.high + 0.5};
  const double margin = 0.05 * (seen.high - seen.low);
  return {axis.low.value_or(seen.low - margin), axis.high.value_or(seen.high + margin)};
}

// "0.25" with as many decimals as the step needs.
std::string tick_text(double value, double step) {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos ? fmt::format("{:.{}f}", 0.0, decimals) : text;
}

// One chart on its part of the page.
class Panel {
 public:
  Panel(Pen& pen, const Chart& chart, double left)
      : pen_(pen),
        chart_(chart),
        x_(range_of(chart.x, chart.series, &Series::x)),
        y_(range_of(chart.y, chart.series, &Series::y)),
        left_(left + kLeft),
        right_(left + kWidth - kRight) {}

  void draw() {
    draw_grid();
    pen_.clip(left_ - 4, kTop - 4, right_ - left_ + 8, bottom_ - kTop + 8);
    for (const Series& series : chart_.series) draw_series(series);
    pen_.unclip();
    draw_frame();
    draw_legend();
  }

 private:
  double px_x(double x) const { return left_ + (x - x_.low) / (x_.high - x_.low) * (right_ - left_); }
  double px_y(double y) const { return bottom_ - (y - y_.low) / (y_.high - y_.low) * (bottom_ - kTop); }

  void draw_grid() {
    const auto xs = tick_values(x_.low, x_.high, chart_.x.ticks);
    const auto ys = tick_values(y_.low, y_.high, chart_.y.ticks);
    const auto step = [](const std::vector<double>& ticks) { return ticks.size() > 1 ? ticks[1] - ticks[0] : 1.0; };
    for (const double x : xs) {
      pen_.line(px_x(x), kTop, px_x(x), bottom_, kFaint, {});
      pen_.line(px_x(x), bottom_, px_x(x), bottom_ + 5, kInk, {});
      pen_.text(tick_text(x, step(xs)), px_x(x), bottom_ + 18, kSmall, Align::kCentre);
    }
    for (const double y : ys) {
      pen_.line(left_, px_y(y), right_, px_y(y), kFaint, {});
      pen_.line(left_ - 5, px_y(y), left_, px_y(y), kInk, {});
      pen_.text(tick_text(y, step(ys)), left_ - 10, px_y(y), kSmall, Align::kRight);
    }
  }

  void draw_frame() {
    pen_.line(left_, kTop, left_, bottom_, kInk, {1.4});
    pen_.line(left_, bottom_, right_, bottom_, kInk, {1.4});
    pen_.text(chart_.title, (left_ + right_) / 2, kTop / 2, kTitle, Align::kCentre, kInk, Pen::Weight::kBold);
    pen_.text(chart_.x.label, (left_ + right_) / 2, bottom_ + 48, kLabel, Align::kCentre);
    pen_.upward_text(chart_.y.label, left_ - 62, (kTop + bottom_) / 2, kLabel);
  }

  static Colour colour_of(const Series& series) {
    return series.style == Series::Style::kDashed ? kGrey : palette(series.colour);
  }

  void draw_series(const Series& series) {
    if (series.x.size() != series.y.size()) throw InternalError("a series of a chart has an x without y");
    if (series.style == Series::Style::kBars) {
      for (std::size_t i = 0; i < series.x.size(); ++i) draw_bar(series, series.x[i], series.y[i]);
      return;
    }
    bool open = false;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
        open = false;
        continue;
      }
      open ? pen_.line_to(px_x(series.x[i]), px_y(series.y[i])) : pen_.move_to(px_x(series.x[i]), px_y(series.y[i]));
      open = true;
    }
    pen_.stroke(colour_of(series), line_of(series));
    // A point of its own would not be seen.
    if (series.style != Series::Style::kLineAndDots && series.x.size() > 1) return;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (std::isfinite(series.x[i]) && std::isfinite(series.y[i])) {
        pen_.dot(px_x(series.x[i]), px_y(series.y[i]), 4, colour_of(series));
      }
    }
  }

  static Pen::Line line_of(const Series& series) {
    return {series.style == Series::Style::kDashed ? 1.6 : 2.4, series.style == Series::Style::kDashed};
  }

  void draw_bar(const Series& series, double x, double y) {
    if (!std::isfinite(y)) return;
    const double half = series.bar_width / 2, floor = px_y(std::max(0.0, y_.low));
    pen_.rectangle(px_x(x - half) + 1, px_y(y), px_x(x + half) - px_x(x - half) - 2, floor - px_y(y), colour_of(series),
                   0.45);
  }

  void draw_legend() {
    constexpr double kLine = 23, kSample = 30, kPad = 12;
    std::vector<const Series*> named;
    double width = 0;
    for (const Series& series : chart_.series) {
      if (series.name.empty()) continue;
      named.push_back(&series);
      width = std::max(width, pen_.text_width(series.name, kSmall));
    }
    if (named.empty()) return;
    width += kSample + 3 * kPad;
    const double height = static_cast<double>(named.size()) * kLine + kPad;
    const bool at_left = chart_.legend == Chart::Legend::kTopLeft,
               at_bottom = chart_.legend == Chart::Legend::kBottomRight;
    const double x = at_left ? left_ + 12 : right_ - width - 6;
    const double y = at_bottom ? bottom_ - height - 10 : kTop + 8;
    pen_.rectangle(x, y, width, height, kFaint);
    pen_.rectangle(x + 1, y + 1, width - 2, height - 2, {1, 1, 1});
    for (std::size_t i = 0; i < named.size(); ++i) {
      const double middle = y + kPad / 2 + (static_cast<double>(i) + 0.5) * kLine, from = x + kPad;
      if (named[i]->style == Series::Style::kBars) {
        pen_.rectangle(from, middle - 6, kSample, 12, colour_of(*named[i]), 0.45);
      } else {
        pen_.line(from, middle, from + kSample, middle, colour_of(*named[i]), line_of(*named[i]));
        if (named[i]->style == Series::Style::kLineAndDots) {
          pen_.dot(from + kSample / 2, middle, 4, colour_of(*named[i]));
        }
      }
      pen_.text(named[i]->name, from + kSample + kPad, middle, kSmall, Align::kLeft);
    }
  }

  Pen& pen_;
  const Chart& chart_;
  Range x_;
  Range y_;
  double left_;
  double right_;
  double bottom_ = kHeight - kBottom;
};

}  // namespace

std::vector<double> tick_values(double low, double high, Axis::Ticks ticks) {
  const double rough = (high - low) / 7;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  if (ticks == Axis::Ticks::kWhole) step = std::max(1.0, step);
  std::vector<double> values;
  const double slack = 1e-9 * step;
  for (double k = std::ceil((low - slack) / step); k * step <= high + slack; k += 1) values.push_back(k * step);
  return values;
}

PngImage draw_charts(const std::vector<Chart>& charts) {
  Pen pen(kWidth * static_cast<int>(charts.size()), kHeight);
  for (std::size_t i = 0; i < charts.size(); ++i)
    Panel(pen, charts[i], static_cast<double>(kWidth) * static_cast<double>(i)).draw();
  return pen.picture();
}

}  // namespace genu::plot
