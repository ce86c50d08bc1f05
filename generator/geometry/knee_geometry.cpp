#include "generator/geometry/knee_geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/errors.h"
#include "generator/geometry/bone_outlines.h"
#include "generator/geometry/calcified_shapes.h"
#include "generator/geometry/lesion_shapes.h"
#include "generator/geometry/metal_shapes.h"

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;
constexpr double kToleranceMm = 0.002;
constexpr double kWidestMissMm = 0.02;
constexpr double kCentralClearanceMm = 1.5;

Contour part_between(const Contour& curve, double low_x, double high_x) {
  Contour part;
  for (const PointMm& p : curve) {
    if (p.x >= low_x && p.x <= high_x) part.push_back(p);
  }
  return part;
}

struct CompartmentSpan {
  double low_x = 0;
  double high_x = 0;
};

// The weight-bearing part of a plateau: from 3 mm inside the rim to 3 mm short of the eminence.
CompartmentSpan span_of(double half_width_mm, double inner_mm, Compartment side) {
  return side == Compartment::kMedial ? CompartmentSpan{-half_width_mm + 3, -inner_mm - 3}
                                      : CompartmentSpan{inner_mm + 3, half_width_mm - 3};
}

double gap_mm(const Contour& femur_articular, const Contour& tibia_surface_mm, const CompartmentSpan& span) {
  const Contour upper = part_between(femur_articular, span.low_x - 2, span.high_x + 2);
  const Contour lower = part_between(tibia_surface_mm, span.low_x, span.high_x);
  return signed_gap_mm(upper, lower);
}

struct Placement {
  RigidMotion motion;
  JointMeasure measured;
};

// Newton's method on height and rotation until both minima are met. Where a worn surface ends a compartment the width
// jumps by some hundredths of a millimetre as a vertex comes into its span, and no placement may meet it (one knee of
// 100,000): late steps are shorter, and the best of all is taken.
Placement place_femur(const Contour& articular, const Contour& surface, const KneeFeatures& features, double half_mm,
                      double inner_mm) {
  const CompartmentSpan medial = span_of(half_mm, inner_mm, Compartment::kMedial);
  const CompartmentSpan lateral = span_of(half_mm, inner_mm, Compartment::kLateral);
  const double lever_mm = half_mm + inner_mm;  // between the middles of the plateaus
  Placement placed;
  placed.motion.dx_mm = -features.lateral_shift_mm;
  placed.motion.dy_mm = 0.5 * (features.medial.jsw_mm + features.lateral.jsw_mm);
  Placement best;
  double least_error = kWidestMissMm;
  for (int step = 0; step < 60; ++step) {
    const Contour moved = transformed(articular, placed.motion);
    placed.measured = {gap_mm(moved, surface, medial), gap_mm(moved, surface, lateral)};
    const double error_medial = features.medial.jsw_mm - placed.measured.jsw_medial_mm;
    const double error_lateral = features.lateral.jsw_mm - placed.measured.jsw_lateral_mm;
    const double error = std::max(std::abs(error_medial), std::abs(error_lateral));
    if (error < kToleranceMm) return placed;
    if (error < least_error) {
      least_error = error;
      best = placed;
    }
    const double damping = step < 12 ? 1 : step < 40 ? 0.5 : 0.2;
    placed.motion.dy_mm += damping * 0.5 * (error_medial + error_lateral);
    placed.motion.rotation_rad += damping * (error_lateral - error_medial) / lever_mm;
  }
  if (least_error < kWidestMissMm) return best;
  throw InternalError("the joint space cannot be built: the placement of the femur does not settle");
}

// The knee before its disease: both joint spaces of normal width on smooth round surfaces.
KneeFeatures before_disease(const KneeFeatures& features) {
  KneeFeatures before;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    before.at(side).jsw_mm = before.at(side).normal_jsw_mm = features.at(side).normal_jsw_mm;
  }
  before.lateral_shift_mm = features.lateral_shift_mm;
  return before;
}

// A femur whose condyles lie as `condyles` says and whose epicondyles and shaft as `shaft` says.
Contour moved_in_part(const Contour& contour, const RigidMotion& condyles, const RigidMotion& shaft) {
  constexpr double kLowMm = 10, kHighMm = 26;  // above the condyles' tangent: the articular margin, the epicondyles
  Contour out;
  out.reserve(contour.size());
  for (const PointMm& p : contour) {
    const PointMm low = condyles(p), high = shaft(p);
    const double share = smooth_step(kLowMm, kHighMm, p.y);
    out.push_back({low.x + (high.x - low.x) * share, low.y + (high.y - low.y) * share});
  }
  return out;
}

// The outlines' lesions undone: what exposure is decided from, and what the femur is placed on.
KneeFeatures without_lesions(KneeFeatures features) {
  features.attrition_depth_mm = 0;
  features.spine_sharpening_deg = 0;
  features.spine_growth_mm = 0;
  features.notch_narrowing_mm = 0;
  return features;
}

bool spines_clear(const Contour& articular, const Contour& surface, const RigidMotion& motion, double inner_mm) {
  const Contour moved = transformed(articular, motion);
  return signed_gap_mm(part_between(moved, -inner_mm - 4, inner_mm + 4), part_between(surface, -inner_mm, inner_mm)) >=
         kCentralClearanceMm;
}

}  // namespace

double measure_jsw_mm(const KneeGeometry& geometry, Compartment side) {
  const double half = geometry.tibia_articular_mm.back().x + 0.4;
  return gap_mm(geometry.femur_articular_mm, geometry.tibia_articular_mm, span_of(half, geometry.inner_edge_mm, side));
}

KneeGeometry build_geometry(const KneeAnatomy& anatomy, const KneeFeatures& features, const Positioning& positioning,
                            RandomStream& stream) {
  KneeGeometry knee;
  knee.inner_edge_mm = plateau_inner_edge_mm(anatomy);
  const double half = 0.5 * anatomy.tibia_width_mm;
  const std::uint64_t root = stream.next_u64();
  const RandomStream roughness(root, 0, "roughness");  // the same plate whatever else is drawn

  // 1. Place the femur on the surfaces as they were when it sank; lower the eminence until it clears the notch.
  const KneeFeatures healthy = without_lesions(features);
  KneeFeatures sunk = healthy;
  sunk.attrition_compartment = features.attrition_compartment;
  sunk.attrition_depth_mm = features.attrition_subsidence_mm;
  const FemurOutline sunk_femur = femur_outline(anatomy, sunk);
  Placement placed;
  EminenceScale scale;
  for (int attempt = 0; attempt < 10; ++attempt) {
    scale.hill = scale.spines = std::pow(0.85, attempt);
    const Contour surface = tibia_surface(anatomy, sunk, scale, roughness);
    placed = place_femur(sunk_femur.articular_mm, surface, features, half, knee.inner_edge_mm);
    if (spines_clear(sunk_femur.articular_mm, surface, placed.motion, knee.inner_edge_mm)) break;
  }
  const EminenceScale healthy_scale = scale;
  knee.knee_from_femur = placed.motion;
  if (features.femur_stays) {
    const KneeFeatures before = before_disease(features);
    knee.knee_from_femur =
        place_femur(femur_outline(anatomy, before).articular_mm,
                    tibia_surface(anatomy, before, EminenceScale{}, roughness), before, half, knee.inner_edge_mm)
            .motion;
  }
  const auto in_place = [&](const Contour& contour) {
    return features.femur_stays ? moved_in_part(contour, placed.motion, knee.knee_from_femur)
                                : transformed(contour, placed.motion);
  };

  // 2. The outlines; sharpened spines are shortened until they clear the notch.
  const FemurOutline femur = femur_outline(anatomy, features);
  KneeFeatures as_sunk = features;  // whether spines clear must not hang on the attrition dial
  as_sunk.attrition_depth_mm = features.attrition_subsidence_mm;
  const FemurOutline sunk_spines_femur = as_sunk == features ? femur : femur_outline(anatomy, as_sunk);
  for (int attempt = 0; attempt < 10; ++attempt) {
    scale.spines = healthy_scale.spines * std::pow(0.85, attempt);
    const Contour surface = tibia_surface(anatomy, as_sunk, scale, roughness);
    if (spines_clear(sunk_spines_femur.articular_mm, surface, placed.motion, knee.inner_edge_mm)) break;
  }
  knee.tibia_articular_mm = tibia_surface(anatomy, features, scale, roughness);
  knee.femur_articular_mm = in_place(femur.articular_mm);
  knee.femur_mm = in_place(femur.outline_mm);
  knee.tibia_mm = tibia_outline(anatomy, knee.tibia_articular_mm);
  knee.measured = {measure_jsw_mm(knee, Compartment::kMedial), measure_jsw_mm(knee, Compartment::kLateral)};
  if (healthy == features) {
    knee.femur_reference_mm = knee.femur_mm;
    knee.tibia_reference_mm = knee.tibia_mm;
  } else {
    knee.femur_reference_mm = in_place(femur_outline(anatomy, healthy).outline_mm);
    knee.tibia_reference_mm = tibia_outline(anatomy, tibia_surface(anatomy, healthy, healthy_scale, roughness));
  }
  knee.fibula_mm = fibula_outline(anatomy, positioning);
  knee.patella_mm = transformed(patella_outline(anatomy, positioning), knee.knee_from_femur);

  const bool replaced = features.hardware.kind == HardwareKind::kReplacement;
  if (replaced) {
    resect_for_replacement(knee, anatomy, features);
    knee.measured = {measure_jsw_mm(knee, Compartment::kMedial), measure_jsw_mm(knee, Compartment::kLateral)};
  }

  // 3. Alignment: the constitution less what the joint line has converged (spec 1.3).
  knee.hka_deg = anatomy.arithmetic_hka_deg - knee.knee_from_femur.rotation_rad / kRadPerDeg;
  knee.rim_separation_mm = std::abs(0.95 * anatomy.plateau_depth_mm * std::sin(positioning.rim_angle_deg * kRadPerDeg));

  // 4. Lesions and lines.
  add_osteophytes(knee, features);
  add_cysts(knee, anatomy, features);
  add_sclerosis(knee, anatomy, features);
  add_fabella(knee, anatomy, features, positioning);
  add_loose_bodies(knee, anatomy, features);
  add_chondrocalcinosis(knee, features, root);
  RandomStream lines(root, 0, "bone lines");
  add_bone_lines(knee, anatomy, lines);
  if (replaced) knee.lines.clear();  // the bone that bore them is gone
  add_hardware(knee, anatomy, features);
  return knee;
}

}  // namespace genu::generator
