#include "generator/projection/canvas.h"

#include <cairo.h>

#include <cstring>

#include "core/errors.h"

namespace genu::generator {

Canvas::Canvas(int width_px, int height_px)
    : width_px_(width_px),
      height_px_(height_px),
      surface_(cairo_image_surface_create(CAIRO_FORMAT_A8, width_px, height_px)),
      context_(cairo_create(surface_)) {
  if (cairo_status(context_) != CAIRO_STATUS_SUCCESS) {
    const std::string reason = cairo_status_to_string(cairo_status(context_));
    cairo_destroy(context_);
    cairo_surface_destroy(surface_);
    throw InternalError("cannot make a Cairo surface: " + reason);
  }
  cairo_set_fill_rule(context_, CAIRO_FILL_RULE_EVEN_ODD);
}

Canvas::~Canvas() {
  cairo_destroy(context_);
  cairo_surface_destroy(surface_);
}

void Canvas::clear() {
  cairo_surface_flush(surface_);
  std::memset(
      cairo_image_surface_get_data(surface_), 0,
      static_cast<std::size_t>(cairo_image_surface_get_stride(surface_)) * static_cast<std::size_t>(height_px_));
  cairo_surface_mark_dirty(surface_);
}

void Canvas::trace(const Contour& contour_px) {
  cairo_new_path(context_);
  for (const PointMm& p : contour_px) cairo_line_to(context_, p.x, p.y);
}

void Canvas::fill_label(const Contour& contour_px, std::uint8_t value) {
  trace(contour_px);
  cairo_close_path(context_);
  cairo_set_antialias(context_, CAIRO_ANTIALIAS_NONE);
  cairo_set_operator(context_, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_rgba(context_, 0, 0, 0, value / 255.0);
  cairo_fill(context_);
}

void Canvas::add_line(const Contour& line_px, double width_px, std::uint8_t value) {
  trace(line_px);
  cairo_set_antialias(context_, CAIRO_ANTIALIAS_GRAY);
  cairo_set_operator(context_, CAIRO_OPERATOR_ADD);
  cairo_set_line_width(context_, width_px);
  cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(context_, CAIRO_LINE_CAP_ROUND);
  cairo_set_source_rgba(context_, 0, 0, 0, value / 255.0);
  cairo_stroke(context_);
}

void Canvas::copy_to(Image<std::uint8_t>& out) const {
  cairo_surface_flush(surface_);
  out.reset(width_px_, height_px_, 0);
  const unsigned char* data = cairo_image_surface_get_data(surface_);
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface_));
  for (int y = 0; y < height_px_; ++y) {
    std::memcpy(out.row(y), data + static_cast<std::size_t>(y) * stride, static_cast<std::size_t>(width_px_));
  }
}

}  // namespace genu::generator
