// An 8-bit Cairo surface: vector contours to bytes.
#pragma once

#include <cstdint>

#include "generator/geometry/contour.h"
#include "generator/projection/image.h"

typedef struct _cairo cairo_t;
typedef struct _cairo_surface cairo_surface_t;

namespace genu::generator {

// Not thread-safe; one a thread.
class Canvas {
 public:
  // Throws InternalError if Cairo cannot make the surface.
  Canvas(int width_px, int height_px);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  void clear();
  // Writes `value` to every pixel whose centre lies inside; no antialiasing, later fills win.
  void fill_label(const Contour& contour_px, std::uint8_t value);
  // Adds an antialiased line; values saturate at 255.
  void add_line(const Contour& line_px, double width_px, std::uint8_t value);
  void copy_to(Image<std::uint8_t>& out) const;

 private:
  void trace(const Contour& contour_px);

  int width_px_;
  int height_px_;
  cairo_surface_t* surface_;
  cairo_t* context_;
};

}  // namespace genu::generator
