#include "generator/truth/measure_knee.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace genu::generator {

namespace {

// Of an open contour's points between two x, the one that `better` prefers.
template <class Better>
PointMm pick(const Contour& contour, double low_x, double high_x, const Better& better) {
  PointMm best{0.5 * (low_x + high_x), 0};
  bool found = false;
  for (const PointMm& p : contour) {
    if (!(p.x >= low_x && p.x <= high_x)) continue;
    if (!found || better(p, best)) best = p;
    found = true;
  }
  return best;
}

bool higher(const PointMm& a, const PointMm& b) { return a.y > b.y; }
bool lower(const PointMm& a, const PointMm& b) { return a.y < b.y; }
bool further_medial(const PointMm& a, const PointMm& b) { return a.x < b.x; }
bool further_lateral(const PointMm& a, const PointMm& b) { return a.x > b.x; }

// Points of a closed outline in a band of heights.
Contour band(const Contour& outline, double low_y, double high_y) {
  Contour part;
  for (const PointMm& p : outline) {
    if (p.y >= low_y && p.y <= high_y) part.push_back(p);
  }
  return part;
}

struct ClosestPair {
  PointMm femur;
  PointMm tibia;
};

// Where the contours come closest over the weight-bearing part of a plateau (3 mm inside rim and eminence).
ClosestPair closest(const KneeGeometry& geometry, Compartment side) {
  const double rim = geometry.tibia_articular_mm.back().x + 0.4 - 3, inner = geometry.inner_edge_mm + 3;
  const double low = side == Compartment::kMedial ? -rim : inner, high = side == Compartment::kMedial ? -inner : rim;
  ClosestPair best;
  double least = std::numeric_limits<double>::infinity();
  for (const PointMm& t : geometry.tibia_articular_mm) {
    if (!(t.x >= low && t.x <= high)) continue;
    for (const PointMm& f : geometry.femur_articular_mm) {
      const double dx = f.x - t.x, dy = f.y - t.y, squared = dx * dx + dy * dy;
      if (squared < least) {
        least = squared;
        best = {f, t};
      }
    }
  }
  return best;
}

// The bone under a wear centre as the mask shows it: along the articular surface, so deep as the label reaches.
Contour sclerosis_outline(const SclerosisShape& shape, const KneeGeometry& geometry) {
  const bool tibial = shape.bone == Bone::kTibia;
  const Contour& surface = tibial ? geometry.tibia_articular_mm : geometry.femur_articular_mm;
  const double half = 0.54 * shape.half_width_mm, depth = 0.8 * shape.thickness_mm;
  const double low = std::max(shape.surface_mm.x - half, surface.front().x);
  const double high = std::min(shape.surface_mm.x + half, surface.back().x);
  constexpr int kSteps = 16;
  Contour outline;
  for (int i = 0; i <= kSteps; ++i) {
    const double x = low + (high - low) * i / kSteps;
    outline.push_back({x, height_at_mm(surface, x)});
  }
  for (int i = kSteps; i >= 0; --i) {
    const double x = low + (high - low) * i / kSteps;
    outline.push_back({x, height_at_mm(surface, x) + (tibial ? -depth : depth)});
  }
  return outline;
}

}  // namespace

std::array<double, kJswLocations.size()> jsw_profile_mm(const KneeGeometry& geometry) {
  std::array<double, kJswLocations.size()> widths{};
  const double medial = geometry.femur_articular_mm.front().x, lateral = geometry.femur_articular_mm.back().x;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const double x = medial + kJswLocations[i] * (lateral - medial);
    widths[i] =
        std::max(0.0, height_at_mm(geometry.femur_articular_mm, x) - height_at_mm(geometry.tibia_articular_mm, x));
  }
  return widths;
}

std::vector<Landmark> landmarks_of(const KneeGeometry& geometry) {
  const Contour& femur = geometry.femur_articular_mm;
  const Contour& tibia = geometry.tibia_articular_mm;
  const double inner = geometry.inner_edge_mm, far = 1e9;
  const double base = std::min(femur.front().y, femur.back().y);
  const Contour epicondyles = band(geometry.femur_mm, base + 12, base + 42);
  const ClosestPair medial = closest(geometry, Compartment::kMedial),
                    lateral = closest(geometry, Compartment::kLateral);
  const std::array<PointMm, kLandmarkNames.size()> points = {pick(epicondyles, -far, 0, further_medial),
                                                             pick(epicondyles, 0, far, further_lateral),
                                                             pick(femur, -far, -inner, lower),
                                                             pick(femur, inner, far, lower),
                                                             pick(femur, -inner, inner, higher),
                                                             tibia.front(),
                                                             tibia.back(),
                                                             pick(tibia, -inner, 0, higher),
                                                             pick(tibia, 0, inner, higher),
                                                             medial.femur,
                                                             medial.tibia,
                                                             lateral.femur,
                                                             lateral.tibia,
                                                             pick(geometry.patella_mm, -far, far, lower),
                                                             pick(geometry.fibula_mm, -far, far, higher)};
  std::vector<Landmark> landmarks;
  for (std::size_t i = 0; i < points.size(); ++i) landmarks.push_back({kLandmarkNames[i], points[i]});
  return landmarks;
}

std::vector<LesionOutline> lesions_of(const KneeGeometry& geometry) {
  std::vector<LesionOutline> lesions;
  for (const OsteophyteShape& shape : geometry.osteophytes) {
    lesions.push_back(
        {LesionKind::kOsteophyte, kOsteophyteSiteNames[static_cast<std::size_t>(shape.site)], shape.outline_mm});
  }
  const auto place = [](Bone bone, Compartment side) -> std::string_view {
    if (bone == Bone::kFemur) return side == Compartment::kMedial ? "femur_medial" : "femur_lateral";
    return side == Compartment::kMedial ? "tibia_medial" : "tibia_lateral";
  };
  for (const SclerosisShape& shape : geometry.sclerosis) {
    lesions.push_back(
        {LesionKind::kSclerosis, place(shape.bone, shape.compartment), sclerosis_outline(shape, geometry)});
  }
  for (const CystShape& shape : geometry.cysts) {
    lesions.push_back({LesionKind::kCyst, place(shape.cyst.bone, shape.cyst.compartment),
                       ellipse(shape.centre_mm, shape.radius_x_mm, shape.radius_y_mm, 32)});
  }
  for (const CalcifiedBody& body : geometry.calcified_bodies) {
    const bool fabella = body.kind == CalcifiedBodyKind::kFabella;
    lesions.push_back({fabella ? LesionKind::kFabella : LesionKind::kLooseBody, body.place, body.outline_mm});
  }
  for (const CalcificationShape& shape : geometry.calcifications) {
    lesions.push_back({LesionKind::kChondrocalcinosis, shape.place, shape.outline_mm});
  }
  for (const MetalShape& shape : geometry.metal) {
    lesions.push_back({LesionKind::kHardware, shape.place, shape.outline_mm});
  }
  return lesions;
}

}  // namespace genu::generator
