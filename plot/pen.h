// A page of paper, and what draws on it: the few calls of Cairo that charts need.
#pragma once

#include <cairo.h>

#include <array>
#include <memory>
#include <string>

#include "core/png.h"

namespace genu::plot {

using Colour = std::array<double, 3>;  // 0 .. 1
inline constexpr Colour kInk = {0.13, 0.14, 0.16};
inline constexpr Colour kGrey = {0.55, 0.56, 0.58};
inline constexpr Colour kFaint = {0.90, 0.90, 0.91};
// Okabe and Ito's colours (2008), told apart by colour-blind people; from the second on.
Colour palette(std::size_t position);

enum class Align { kLeft, kCentre, kRight };

// Pixels from the top left corner.
class Pen {
 public:
  Pen(int width_px, int height_px);

  struct Line {
    double width_px = 1;
    bool dashed = false;
  };
  void line(double x0, double y0, double x1, double y1, const Colour& colour, const Line& style);
  // Joins the points added by move_to() and line_to().
  void move_to(double x, double y);
  void line_to(double x, double y);
  void stroke(const Colour& colour, const Line& style);
  void rectangle(double x, double y, double width, double height, const Colour& colour, double opacity = 1);
  void dot(double x, double y, double radius, const Colour& colour);

  enum class Weight { kNormal, kBold };
  // `y` is the middle of small letters.
  void text(const std::string& text, double x, double y, double size_px, Align align, const Colour& colour = kInk,
            Weight weight = Weight::kNormal);
  // Reads from bottom to top, centred at (x, y).
  void upward_text(const std::string& text, double x, double y, double size_px);
  double text_width(const std::string& text, double size_px);

  // Keeps what follows inside, until unclip().
  void clip(double x, double y, double width, double height);
  void unclip();

  // The page so far. Throws InternalError if Cairo has failed.
  PngImage picture();

 private:
  struct Release {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* context) const { cairo_destroy(context); }
  };
  void set(const Colour& colour, double opacity = 1);
  void font(double size_px, Weight weight);
  void apply(const Line& style);

  std::unique_ptr<cairo_surface_t, Release> surface_;
  std::unique_ptr<cairo_t, Release> cairo_;
};

}  // namespace genu::plot
