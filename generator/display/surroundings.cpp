#include "generator/display/surroundings.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;
constexpr float kWhite = 252.0f, kBlack = 3.0f;
constexpr double kStrokeShare = 0.17;  // of the letter's height

// Exposed share of each pixel: 1 within the field, 0 outside it, linear over the edge.
class Field {
 public:
  Field(const Surroundings& s, const PicturePlace& place, int width_px, int height_px) {
    // The edge as seen from the side it lies on: `depth` from that side, `along` it from its middle.
    const bool lateral_right = place.side == KneeSide::kLeft;
    const bool upright = s.border_side == PictureSide::kMedial || s.border_side == PictureSide::kLateral;
    const bool far = upright ? (s.border_side == PictureSide::kLateral) == lateral_right
                             : s.border_side == PictureSide::kLower;  // the right or lower side
    const double c = std::cos(s.border_tilt_deg * kRadPerDeg), t = std::sin(s.border_tilt_deg * kRadPerDeg);
    const double across = upright ? width_px : height_px, length = upright ? height_px : width_px;
    const double sign = far ? -1 : 1, depth0 = far ? across : 0;
    // distance = c (depth - taken) + t (along - length / 2), depth = sign * coordinate + depth0
    const double offset = c * (depth0 - s.border_share * width_px) - 0.5 * t * length;
    const double softness = std::max(0.5, s.border_softness_px * width_px / 224.0);
    (upright ? x_ : y_) = static_cast<float>(c * sign / softness);
    (upright ? y_ : x_) = static_cast<float>(t / softness);
    offset_ = static_cast<float>(offset / softness + 0.5);
  }
  float at(int x, int y) const {
    const float value = x_ * (static_cast<float>(x) + 0.5f) + y_ * (static_cast<float>(y) + 0.5f) + offset_;
    return std::min(std::max(value, 0.0f), 1.0f);
  }

 private:
  float x_ = 0, y_ = 0, offset_ = 0;
};

// Strokes of the letter in a box one high, y up.
std::vector<Contour> letter_strokes(KneeSide side) {
  if (side == KneeSide::kLeft) return {{{0, 1}, {0, 0}, {0.55, 0}}};
  Contour bowl = {{0, 0}, {0, 1}};
  for (int i = 0; i <= 12; ++i) {
    const double angle = (90 - 15.0 * i) * kRadPerDeg;
    bowl.push_back({0.33 + 0.26 * std::cos(angle), 0.74 + 0.26 * std::sin(angle)});
  }
  bowl.push_back({0, 0.48});
  return {bowl, {{0.28, 0.48}, {0.6, 0}}};
}

void draw_marker(const Surroundings& s, const PicturePlace& place, float white, Canvas& canvas, Image<float>& grey) {
  const double height = s.marker_mm / place.pixel_spacing_mm, margin = s.marker_margin_mm / place.pixel_spacing_mm;
  const double half_width = 0.3 * height;
  const double cx = place.side == KneeSide::kLeft ? grey.width_px - margin - half_width : margin + half_width;
  const double cy = margin + 0.5 * height;
  const double c = std::cos(s.marker_tilt_deg * kRadPerDeg), t = std::sin(s.marker_tilt_deg * kRadPerDeg);
  canvas.clear();
  for (const Contour& stroke : letter_strokes(place.side)) {
    Contour px;
    for (const PointMm& p : stroke) {
      const double u = p.x * height - half_width, v = (0.5 - p.y) * height;
      px.push_back({cx + c * u - t * v, cy + t * u + c * v});
    }
    canvas.add_line(px, kStrokeShare * height, 255);
  }
  Image<std::uint8_t> coverage;
  canvas.copy_to(coverage);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    grey.pixels[i] += (white - grey.pixels[i]) * static_cast<float>(coverage.pixels[i]) / 255.0f;
  }
}

}  // namespace

std::string_view to_string(Border border) {
  return border == Border::kBlack ? "black" : border == Border::kWhite ? "white" : "";
}

std::string_view to_string(PictureSide side) {
  switch (side) {
    case PictureSide::kMedial:
      return "medial";
    case PictureSide::kLateral:
      return "lateral";
    case PictureSide::kUpper:
      return "upper";
    case PictureSide::kLower:
      return "lower";
  }
  return "";
}

void SurroundingsConfig::list_fields(FieldList& fields) {
  const Range share{0.0, 1.0};
  fields.add("collimation_share", collimation_share, share, "crops that show the edge of the collimated field");
  fields.add("marker_share", marker_share, share, "crops with a lead R or L in the lateral upper corner");
}

Surroundings sample_surroundings(const SurroundingsConfig& config, RandomStream& stream) {
  Surroundings s;
  const bool collimated = stream.bernoulli(config.collimation_share);
  const Border colour = stream.bernoulli(0.5) ? Border::kBlack : Border::kWhite;
  if (collimated) s.border = colour;
  s.border_side = static_cast<PictureSide>(stream.integer(4));
  s.border_share = stream.uniform(0.02, 0.09);
  s.border_tilt_deg = stream.truncated_normal(0, 1.2);
  s.border_softness_px = stream.uniform(1, 3);  // spec 5.3
  const bool marked = stream.bernoulli(config.marker_share);
  const double height = stream.uniform(8, 15);  // spec 5.3
  if (marked) s.marker_mm = height;
  s.marker_margin_mm = stream.uniform(2, 6);
  s.marker_tilt_deg = stream.truncated_normal(0, 6);
  return s;
}

void draw_surroundings(const Surroundings& surroundings, const PicturePlace& place, Polarity polarity, Canvas& canvas,
                       Image<float>& grey) {
  const bool negative = polarity == Polarity::kBoneDark;
  const float white = negative ? 255.0f - kWhite : kWhite, black = negative ? 255.0f - kBlack : kBlack;
  if (surroundings.marker_mm > 0) draw_marker(surroundings, place, white, canvas, grey);
  if (surroundings.border == Border::kNone) return;
  const Field field(surroundings, place, grey.width_px, grey.height_px);
  const float outside = surroundings.border == Border::kWhite ? white : black;
  for (int y = 0; y < grey.height_px; ++y) {
    float* row = grey.row(y);
    for (int x = 0; x < grey.width_px; ++x) row[x] = outside + field.at(x, y) * (row[x] - outside);
  }
}

void hide_labels(const Surroundings& surroundings, const PicturePlace& place, Image<std::uint8_t>& labels) {
  if (surroundings.border == Border::kNone) return;
  const Field field(surroundings, place, labels.width_px, labels.height_px);
  for (int y = 0; y < labels.height_px; ++y) {
    std::uint8_t* row = labels.row(y);
    for (int x = 0; x < labels.width_px; ++x) {
      if (field.at(x, y) < 0.5f) row[x] = 0;
    }
  }
}

}  // namespace genu::generator
