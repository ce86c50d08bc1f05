#include "generator/geometry/calcified_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;
// Log attenuation of a condyle (spec 5.2), and what a millimetre of bone adds in place of soft tissue, at 70 kVp.
constexpr double kCondyleAttenuation = 4.0, kBonePerMm = 0.0954 - 0.0251;

// Of a loose body, which is as deep as it is wide.
constexpr double kLooseBodyBone = 0.7;

Contour outline_of(const CalcifiedBody& body) {
  constexpr int kPoints = 40;
  const double c = std::cos(body.axis_rad), s = std::sin(body.axis_rad);
  Contour outline;
  for (int i = 0; i < kPoints; ++i) {
    const double angle = 2 * std::numbers::pi * i / kPoints;
    const double reach = lobed_radius(body, angle);
    const double u = reach * body.radius_long_mm * std::cos(angle), v = reach * body.radius_short_mm * std::sin(angle);
    outline.push_back({body.centre_mm.x + c * u - s * v, body.centre_mm.y + s * u + c * v});
  }
  return outline;
}

// Of one meniscus: at most so many grains, within a wedge so long.
constexpr int kMostGrains = 150;
constexpr double kWedgeMm = 13;

struct Wedge {
  const KneeGeometry& knee;
  double sign;     // of x: -1 medial
  double outer_x;  // absolute, where its base stands

  double x_at(double u) const { return sign * (outer_x - kWedgeMm * u); }
  double bottom_at(double u) const { return height_at_mm(knee.tibia_articular_mm, x_at(u)) + 0.5; }
  // The meniscus fills the gap at the rim and thins inwards.
  double height_at(double u) const {
    const double gap = height_at_mm(knee.femur_articular_mm, x_at(u)) - height_at_mm(knee.tibia_articular_mm, x_at(u));
    return std::max(0.6, std::min(gap, 7.0) - 1.0) * std::pow(1 - u, 0.75);
  }
};

CalcificationShape meniscus_shape(const KneeGeometry& knee, Compartment side, double amount, RandomStream stream) {
  const bool medial = side == Compartment::kMedial;
  const double rim = medial ? -knee.tibia_articular_mm.front().x : knee.tibia_articular_mm.back().x;
  const Wedge wedge{knee, medial ? -1.0 : 1.0, rim - 1.5};
  CalcificationShape shape;
  shape.place = medial ? "medial_meniscus" : "lateral_meniscus";
  constexpr int kSteps = 12;
  for (int i = 0; i <= kSteps; ++i) {
    const double u = i / double{kSteps};
    shape.outline_mm.push_back({wedge.x_at(u), wedge.bottom_at(u) - 0.4});
  }
  for (int i = kSteps; i >= 0; --i) {
    const double u = i / double{kSteps};
    shape.outline_mm.push_back({wedge.x_at(u), wedge.bottom_at(u) + wedge.height_at(u) + 0.4});
  }
  for (int i = 0; i < kMostGrains; ++i) {
    const double u = stream.uniform(), v = stream.uniform(), kept = stream.uniform();
    CalcifiedGrain grain;
    grain.radius_mm = stream.uniform(0.15, 0.40);  // spec 7: 0.3-0.8 mm
    grain.path_mm = stream.uniform(0.5, 1.8);
    if (i >= amount * kMostGrains || kept > std::pow(1 - u, 0.75)) continue;
    grain.at_mm = {wedge.x_at(u), wedge.bottom_at(u) + v * wedge.height_at(u)};
    shape.grains.push_back(grain);
  }
  return shape;
}

// A broken line through the cartilage, a millimetre off the condyle, where the joint space leaves room for cartilage.
CalcificationShape cartilage_shape(const KneeGeometry& knee, Compartment side, double amount, RandomStream stream) {
  constexpr double kOffMm = 1.0, kStepMm = 0.4, kRoomMm = 2.0;
  const bool medial = side == Compartment::kMedial;
  const Contour& femur = knee.femur_articular_mm;
  const double outer = (medial ? -femur.front().x : femur.back().x) - 4, inner = knee.inner_edge_mm + 2;
  CalcificationShape shape;
  shape.place = medial ? "femur_medial" : "femur_lateral";
  Contour above;
  for (double x = inner; x < outer; x += kStepMm) {
    const double fx = medial ? -x : x;
    const double slope = (height_at_mm(femur, fx + 0.5) - height_at_mm(femur, fx - 0.5));
    const double norm = std::sqrt(1 + slope * slope);
    const double y = height_at_mm(femur, fx);
    const PointMm on{fx + kOffMm * slope / norm, y - kOffMm / norm};
    CalcifiedGrain grain;
    const double there = stream.uniform(), radius = stream.uniform(0.16, 0.26), path = stream.uniform(0.5, 1.3),
                 jitter = stream.uniform(-0.12, 0.12);
    const bool room = y - height_at_mm(knee.tibia_articular_mm, fx) > kRoomMm;
    if (room) {
      shape.outline_mm.push_back({on.x, on.y - 0.4});
      above.push_back({on.x, on.y + 0.4});
    }
    if (!room || there > 0.35 + 0.6 * amount) continue;
    grain.at_mm = {on.x, on.y + jitter};
    grain.radius_mm = radius;
    grain.path_mm = path * (0.5 + 0.5 * amount);
    shape.grains.push_back(grain);
  }
  shape.outline_mm.insert(shape.outline_mm.end(), above.rbegin(), above.rend());
  return shape;
}

}  // namespace

double lobed_radius(const CalcifiedBody& body, double angle_rad) {
  return 1 + body.lobe * std::cos(3 * angle_rad + body.lobe_phase_rad);
}

void add_fabella(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features,
                 const Positioning& positioning) {
  const Fabella& fabella = features.fabella;
  if (!(fabella.length_mm > 0)) return;
  CalcifiedBody body;
  body.kind = CalcifiedBodyKind::kFabella;
  body.place = "femur_lateral";
  // Behind the condyle, so rotation carries it as it does the fibular head, whose lever is alike.
  const double x = fabella.x_share * anatomy.femur_width_mm + positioning.axial_rotation_deg / 1.9;
  body.centre_mm = knee.knee_from_femur({x, fabella.y_mm});
  body.radius_long_mm = 0.5 * fabella.length_mm;
  body.radius_short_mm = body.radius_long_mm / fabella.elongation;
  body.axis_rad = fabella.axis_deg * kRadPerDeg;
  // A small one is no more than solid bone.
  body.bone_mm = std::min(fabella.contrast * kCondyleAttenuation / kBonePerMm, 0.95 * 2 * body.radius_short_mm);
  body.shell_share = 0.25;
  body.outline_mm = outline_of(body);
  knee.calcified_bodies.push_back(body);
}

void add_loose_bodies(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features) {
  const double k = anatomy.femur_width_mm / 80;
  for (const LooseBody& loose : features.loose_bodies) {
    CalcifiedBody body;
    body.kind = CalcifiedBodyKind::kLooseBody;
    body.place = kLooseBodyPlaceNames[static_cast<std::size_t>(loose.place)];
    body.radius_long_mm = 0.5 * loose.length_mm;
    body.radius_short_mm = body.radius_long_mm / loose.elongation;
    body.axis_rad = loose.axis_deg * kRadPerDeg;
    body.lobe = loose.lobe;
    body.lobe_phase_rad = loose.lobe_phase_deg * kRadPerDeg;
    body.bone_mm = kLooseBodyBone * 2 * body.radius_short_mm;
    body.shell_share = 0.15;
    // Beside the articular part of the condyle, which is narrower than the epicondyles.
    const double beside = 0.47 * anatomy.femur_width_mm + 1 + 0.8 * body.radius_long_mm;
    const auto femoral = [&](double x, double y) { return knee.knee_from_femur({x, y}); };
    switch (loose.place) {
      case LooseBodyPlace::kNotch:
        body.centre_mm = femoral(5 * loose.offset_x, (9 + 4 * loose.offset_y) * k);
        break;
      case LooseBodyPlace::kMedialGutter:
        body.centre_mm = femoral(-beside - 0.5 * loose.offset_x, (11 + 3 * loose.offset_y) * k);
        break;
      case LooseBodyPlace::kLateralGutter:
        body.centre_mm = femoral(beside + 0.5 * loose.offset_x, (11 + 3 * loose.offset_y) * k);
        break;
      case LooseBodyPlace::kSuprapatellar:
        body.centre_mm = femoral(2 + 14 * loose.offset_x, (46 + 3 * loose.offset_y) * k);
        break;
      case LooseBodyPlace::kPosterior:
        body.centre_mm = {14 * loose.offset_x, -14 + 6 * loose.offset_y};
        break;
    }
    body.outline_mm = outline_of(body);
    knee.calcified_bodies.push_back(body);
  }
}

void add_chondrocalcinosis(KneeGeometry& knee, const KneeFeatures& features, std::uint64_t root) {
  const Chondrocalcinosis& signs = features.chondrocalcinosis;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    const auto sample = static_cast<std::uint64_t>(side);
    const double amount = side == Compartment::kMedial ? signs.medial : signs.lateral;
    if (amount > 0) {
      knee.calcifications.push_back(meniscus_shape(knee, side, amount, {root, sample, "meniscal grains"}));
    }
    if (!(signs.cartilage > 0)) continue;
    CalcificationShape line = cartilage_shape(knee, side, signs.cartilage, {root, sample, "cartilage grains"});
    if (!line.grains.empty()) knee.calcifications.push_back(std::move(line));
  }
}

}  // namespace genu::generator
