#include "plot/pen.h"

#include "core/errors.h"

namespace genu::plot {

namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

Colour palette(std::size_t position) {
  static constexpr std::array<Colour, 6> kColours = {{{0.00, 0.45, 0.70},
                                                      {0.84, 0.37, 0.00},
                                                      {0.00, 0.62, 0.45},
                                                      {0.80, 0.47, 0.65},
                                                      {0.90, 0.62, 0.00},
                                                      {0.34, 0.71, 0.91}}};
  return kColours[position % kColours.size()];
}

Pen::Pen(int width_px, int height_px)
    : surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px)),
      cairo_(cairo_create(surface_.get())) {
  rectangle(0, 0, width_px, height_px, {1, 1, 1});
  // Neither the screen's settings nor hinting may move a letter.
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(cairo_.get(), options);
  cairo_font_options_destroy(options);
  cairo_set_line_join(cairo_.get(), CAIRO_LINE_JOIN_ROUND);
}

void Pen::set(const Colour& colour, double opacity) {
  cairo_set_source_rgba(cairo_.get(), colour[0], colour[1], colour[2], opacity);
}

void Pen::apply(const Line& style) {
  static constexpr std::array<double, 2> kDash = {7, 5};
  cairo_set_line_width(cairo_.get(), style.width_px);
  cairo_set_dash(cairo_.get(), kDash.data(), style.dashed ? 2 : 0, 0);
}

void Pen::line(double x0, double y0, double x1, double y1, const Colour& colour, const Line& style) {
  move_to(x0, y0);
  line_to(x1, y1);
  stroke(colour, style);
}

void Pen::move_to(double x, double y) { cairo_move_to(cairo_.get(), x, y); }
void Pen::line_to(double x, double y) { cairo_line_to(cairo_.get(), x, y); }

void Pen::stroke(const Colour& colour, const Line& style) {
  set(colour);
  apply(style);
  cairo_stroke(cairo_.get());
}

void Pen::rectangle(double x, double y, double width, double height, const Colour& colour, double opacity) {
  set(colour, opacity);
  cairo_rectangle(cairo_.get(), x, y, width, height);
  cairo_fill(cairo_.get());
}

void Pen::dot(double x, double y, double radius, const Colour& colour) {
  set(colour);
  cairo_new_path(cairo_.get());
  cairo_arc(cairo_.get(), x, y, radius, 0, 2 * kPi);
  cairo_fill(cairo_.get());
}

void Pen::font(double size_px, Weight weight) {
  cairo_select_font_face(cairo_.get(), "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         weight == Weight::kBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo_.get(), size_px);
}

double Pen::text_width(const std::string& text, double size_px) {
  font(size_px, Weight::kNormal);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo_.get(), text.c_str(), &extents);
  return extents.x_advance;
}

void Pen::text(const std::string& text, double x, double y, double size_px, Align align, const Colour& colour,
               Weight weight) {
  font(size_px, weight);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo_.get(), text.c_str(), &extents);
  const double left = align == Align::kLeft     ? x
                      : align == Align::kCentre ? x - extents.x_advance / 2
                                                : x - extents.x_advance;
  set(colour);
  cairo_move_to(cairo_.get(), left, y + 0.36 * size_px);
  cairo_show_text(cairo_.get(), text.c_str());
  cairo_new_path(cairo_.get());
}

void Pen::upward_text(const std::string& text, double x, double y, double size_px) {
  cairo_save(cairo_.get());
  cairo_translate(cairo_.get(), x, y);
  cairo_rotate(cairo_.get(), -kPi / 2);
  this->text(text, 0, 0, size_px, Align::kCentre);
  cairo_restore(cairo_.get());
}

void Pen::clip(double x, double y, double width, double height) {
  cairo_save(cairo_.get());
  cairo_rectangle(cairo_.get(), x, y, width, height);
  cairo_clip(cairo_.get());
}

void Pen::unclip() { cairo_restore(cairo_.get()); }

PngImage Pen::picture() {
  cairo_surface_flush(surface_.get());
  if (cairo_status(cairo_.get()) != CAIRO_STATUS_SUCCESS) {
    throw InternalError(std::string("cannot draw a chart: ") + cairo_status_to_string(cairo_status(cairo_.get())));
  }
  const int width = cairo_image_surface_get_width(surface_.get());
  const int height = cairo_image_surface_get_height(surface_.get());
  const auto stride = static_cast<std::size_t>(cairo_image_surface_get_stride(surface_.get()));
  const unsigned char* data = cairo_image_surface_get_data(surface_.get());
  PngImage image{width, height, 3, 8, {}};
  image.bytes.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(data + static_cast<std::size_t>(y) * stride);
    for (int x = 0; x < width; ++x) {
      for (const int shift : {16, 8, 0}) image.bytes.push_back(static_cast<std::uint8_t>(row[x] >> shift));
    }
  }
  return image;
}

}  // namespace genu::plot
