#include "generator/geometry/metal_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;

// Points given along and across an axis through `centre`, `axis_deg` from x.
Contour placed(const Contour& points, const PointMm& centre, double axis_deg) {
  const double c = std::cos(axis_deg * kRadPerDeg), s = std::sin(axis_deg * kRadPerDeg);
  Contour out;
  for (const PointMm& p : points) out.push_back({centre.x + c * p.x - s * p.y, centre.y + s * p.x + c * p.y});
  return out;
}

// Two legs in the bone, their bridge on its side (Blount's staple, some 20 mm wide with 3 mm of wire).
void add_staple(KneeGeometry& knee, const KneeAnatomy& anatomy, const Hardware& hardware) {
  const double sign = hardware.staple_side == Compartment::kMedial ? -1 : 1;
  const double half = 0.5 * hardware.staple_width_mm, wire = 3;
  constexpr double middle_y = -20;
  // The tibia's side at the staple's middle.
  double side_x = 0.4 * anatomy.tibia_width_mm, nearest = 1e9;
  for (const PointMm& p : knee.tibia_mm) {
    if (sign * p.x <= 0 || !(std::abs(p.y - middle_y) < nearest)) continue;
    nearest = std::abs(p.y - middle_y);
    side_x = std::abs(p.x);
  }
  const double length = hardware.staple_leg_mm;
  const Contour bracket = {{0, half},
                           {-length, half},
                           {-length - 1, half - 0.5 * wire},
                           {-length, half - wire},
                           {-wire, half - wire},
                           {-wire, -half + wire},
                           {-length, -half + wire},
                           {-length - 1, -half + 0.5 * wire},
                           {-length, -half},
                           {0, -half}};
  // The flare slopes; so does the bridge on it.
  constexpr double kFlareDeg = -18;
  Contour outline = placed(bracket, {side_x + 0.7 * wire, middle_y}, kFlareDeg);
  for (PointMm& p : outline) p.x *= sign;
  knee.metal.push_back({"staple", std::move(outline), 2 * wire, 0.5 * wire});  // steel takes twice what titanium does
}

// A threaded shaft with a blunt tip; an interference screw has no head.
void add_screw(KneeGeometry& knee, const KneeAnatomy& anatomy, const Hardware& hardware) {
  const bool tibial = hardware.screw_bone == Bone::kTibia;
  const double k = anatomy.femur_width_mm / 80;
  const PointMm centre = tibial ? PointMm{-5, -23} : knee.knee_from_femur({10 * k, 22 * k});
  constexpr double kPitch = 2.6, kThread = 0.55;
  const double half_length = 0.5 * hardware.screw_mm, radius = 0.5 * hardware.screw_width_mm;
  Contour upper, lower;
  const int steps = static_cast<int>(hardware.screw_mm / kPitch * 2);
  for (int i = 0; i <= steps; ++i) {
    const double t = -half_length + hardware.screw_mm * i / steps;
    const double taper = std::min(1.0, 0.55 + (half_length - t) / 6);  // towards its tip
    const double thread = i % 2 == 0 ? 0 : kThread;
    upper.push_back({t, taper * radius - thread});
    lower.push_back({t, -taper * radius + (i % 2 == 0 ? kThread : 0)});
  }
  upper.insert(upper.end(), lower.rbegin(), lower.rend());
  knee.metal.push_back({"screw", placed(upper, centre, hardware.screw_deg), hardware.screw_width_mm, radius});
}

// The shell's bearing surface and what closes it above, in the femur's frame: 0.97 of its width (spec 7).
Contour bearing_of(const KneeAnatomy& anatomy) {
  const double w = 0.97 * anatomy.femur_width_mm, k = anatomy.femur_width_mm / 80;
  return {{-0.500 * w, 11 * k},  {-0.470 * w, 4.0 * k}, {-0.390 * w, 0.8 * k}, {-0.280 * w, 0},
          {-0.180 * w, 1.4 * k}, {-0.120 * w, 5.5 * k}, {-0.070 * w, 9.5 * k}, {0.070 * w, 9.5 * k},
          {0.120 * w, 5.5 * k},  {0.180 * w, 1.4 * k},  {0.280 * w, 0},        {0.390 * w, 0.8 * k},
          {0.470 * w, 4.0 * k},  {0.500 * w, 11 * k}};
}
Contour shell_of(const KneeAnatomy& anatomy) {
  const double w = 0.97 * anatomy.femur_width_mm, k = anatomy.femur_width_mm / 80;
  Contour shell = bearing_of(anatomy);
  const Contour above = {{0.470 * w, 19 * k},  {0.400 * w, 25 * k},  {0.250 * w, 29 * k}, {0.030 * w, 33 * k},
                         {-0.200 * w, 30 * k}, {-0.390 * w, 25 * k}, {-0.470 * w, 19 * k}};
  shell.insert(shell.end(), above.begin(), above.end());
  return smooth_closed_curve(shell, 3);
}

// Femoral shell, tibial tray of 4 mm (spec 7: 3-5), stem.
void add_replacement(KneeGeometry& knee, const KneeAnatomy& anatomy, const Hardware& hardware) {
  knee.metal.push_back({"femoral_shell", transformed(shell_of(anatomy), knee.knee_from_femur), 24.0, 9.0});
  const double half = 0.485 * anatomy.tibia_width_mm, tray = 4;
  knee.metal.push_back(
      {"tibial_tray",
       {{-half, 0}, {-half - 0.5, -0.5 * tray}, {-half, -tray}, {half, -tray}, {half + 0.5, -0.5 * tray}, {half, 0}},
       40.0,
       1.5});
  const double end = -tray - hardware.stem_mm;
  knee.metal.push_back({"stem",
                        {{-8, -tray + 0.5},
                         {-6.5, -tray - 8},
                         {-5.5, end + 6},
                         {-3.5, end + 1},
                         {0, end},
                         {3.5, end + 1},
                         {5.5, end + 6},
                         {6.5, -tray - 8},
                         {8, -tray + 0.5}},
                        13.0,
                        6.0});
}

}  // namespace

void add_hardware(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features) {
  const Hardware& hardware = features.hardware;
  switch (hardware.kind) {
    case HardwareKind::kNone:
      break;
    case HardwareKind::kStaple:
      add_staple(knee, anatomy, hardware);
      break;
    case HardwareKind::kScrew:
      add_screw(knee, anatomy, hardware);
      break;
    case HardwareKind::kReplacement:
      add_replacement(knee, anatomy, hardware);
      break;
  }
}

void resect_for_replacement(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features) {
  const double k = anatomy.femur_width_mm / 80;
  constexpr double kTibialCutMm = -2;  // inside the tray
  const RigidMotion before = knee.knee_from_femur, after{0, 0, features.hardware.liner_mm};
  // From the femur's own frame, cut above its condyles and within the shell.
  const auto moved = [&](Contour& contour, double cut_mm) {
    const double c = std::cos(-before.rotation_rad), s = std::sin(-before.rotation_rad);
    for (PointMm& p : contour) {
      const double x = p.x - before.dx_mm, y = p.y - before.dy_mm;
      p = after({c * x - s * y, std::max(s * x + c * y, cut_mm)});
    }
  };
  for (Contour* contour : {&knee.femur_mm, &knee.femur_reference_mm}) moved(*contour, 8 * k);
  // What bears on the liner now is metal.
  knee.femur_articular_mm = transformed(smooth_open_curve(bearing_of(anatomy), 6), after);
  moved(knee.patella_mm, -1e9);
  for (Contour* contour : {&knee.tibia_mm, &knee.tibia_reference_mm}) {
    for (PointMm& p : *contour) p.y = std::min(p.y, kTibialCutMm);
  }
  for (PointMm& p : knee.tibia_articular_mm) p.y = 0;
  knee.knee_from_femur = after;
}

}  // namespace genu::generator
