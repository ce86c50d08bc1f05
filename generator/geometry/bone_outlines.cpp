#include "generator/geometry/bone_outlines.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;
constexpr int kPieces = 4;
// Waves of the plate differ along the beam, so that its shadow is smoother than the plate.
constexpr double kProjectedRoughness = 0.5;

// Mean outline for an epicondylar width of 80 mm, read off real films (epicondyles 36 and 26 mm above the joint, the
// popliteal groove below the lateral one) and spec 1.1. Medial shaft, condyles, lateral shaft.
constexpr double kMeanFemurWidthMm = 80;
constexpr std::array<PointMm, 52> kFemur = {{
    {-17.5, 90}, {-19, 75},   {-20.4, 66},  {-21.6, 60},  {-23.6, 54},   {-26.8, 48}, {-32.6, 43},  {-37.6, 38},
    {-39.4, 34}, {-39.8, 30}, {-39.0, 25},  {-38.2, 20},  {-37.2, 14.5}, {-36.8, 9},  {-35.7, 4.6}, {-33.6, 1.5},
    {-29, 0.1},  {-22.5, 0},  {-17, 1.1},   {-12.9, 3.1}, {-9.4, 5.9},   {-6.1, 8.3}, {-3.0, 10.2}, {0, 10.7},
    {3.0, 10.1}, {6.2, 7.7},  {9.7, 5.1},   {13.4, 3.2},  {17.4, 1.5},   {22.5, 0.4}, {29, 0},      {33.3, 1.7},
    {34.8, 4.6}, {35.8, 8.8}, {36.0, 13.2}, {35.9, 17.0}, {36.1, 20},    {37.4, 23},  {39.2, 26.5}, {39.6, 30},
    {37.6, 34},  {33.8, 40},  {27.6, 46},   {23.2, 52},   {20.8, 58},    {19.8, 66},  {18.5, 75},   {17, 90},
    {16.5, 140}, {16.5, 240}, {-16, 240},   {-16.5, 140},
}};
constexpr std::size_t kFirstArticular = 14;
constexpr std::size_t kLastArticular = 32;

// Mean tibial sides for a plateau width of 76 mm, below the corners; the lateral flare is steeper and higher.
constexpr double kMeanTibiaWidthMm = 76;
constexpr std::array<PointMm, 11> kTibiaLateralSide = {{{37.9, -4.5},
                                                        {37.2, -9},
                                                        {35.8, -14},
                                                        {34.2, -20},
                                                        {31.6, -26},
                                                        {27.4, -33},
                                                        {20.5, -45},
                                                        {18, -60},
                                                        {16, -85},
                                                        {14.5, -130},
                                                        {13.5, -230}}};
constexpr std::array<PointMm, 11> kTibiaMedialSide = {{{-13, -230},
                                                       {-14, -130},
                                                       {-15.5, -85},
                                                       {-17.5, -60},
                                                       {-20.5, -45},
                                                       {-23.9, -35},
                                                       {-27.8, -28},
                                                       {-31.4, -22},
                                                       {-33.9, -17},
                                                       {-35.6, -12},
                                                       {-36.9, -7}}};

double bump(double x, double centre, double width) {
  const double u = (x - centre) / width;
  return std::exp(-u * u);
}

// Of the bone that attrition takes, what the condyle loses; the rest is the plateau's (spec 3.4: tibia > femur).
constexpr double kFemoralAttritionShare = 0.25;

double smooth_max(double a, double b, double blend) {
  return 0.5 * (a + b + std::sqrt((a - b) * (a - b) + blend * blend));
}

// Smooth random departure from the mean outline: bumps along the contour, small on the articular surface.
double outline_deviation_mm(const KneeAnatomy& anatomy, std::size_t index) {
  double sum = 0;
  for (std::size_t k = 0; k < 12; ++k) {
    sum += anatomy.shape_deviation[k] * bump(static_cast<double>(index), 2.0 + 4.0 * static_cast<double>(k), 2.6);
  }
  const bool articular = index >= kFirstArticular && index <= kLastArticular;
  const bool shaft = index < 7 || (index > 40 && index < 48);
  return sum * (articular ? 0.45 : shaft ? 1.6 : 0.9);
}

// Notch and epicondyles of this knee instead of the mean ones.
PointMm own_proportions(const KneeAnatomy& anatomy, const KneeFeatures& features, PointMm p, double scale) {
  const double across = std::abs(p.x) / scale;
  if (p.y < 14 * scale && across < 20) {
    const double inside = 1 - smooth_step(10, 20, across);
    const double height = anatomy.notch_height_mm / (11.6 * scale);
    const double width = anatomy.notch_width_mm / (19.6 * scale);
    p.y *= 1 + (height - 1) * inside;
    p.x *= 1 + (std::clamp(width, 0.75, 1.3) - 1) * std::min(1.0, 2 * inside);
    // Lips on the notch's walls, 6 mm from its middle: these come nearer, its shoulders on the condyles stay.
    const double wall = (1 - smooth_step(6.1, 9.0, across)) * smooth_step(3, 7, p.y / scale);
    p.x *= 1 - 0.5 * features.notch_narrowing_mm / (6.1 * scale) * wall;
  }
  const double epicondyle = bump(p.y / scale, p.x < 0 ? 34 : 28, 6);
  p.x += (p.x < 0 ? -1 : 1) * 1.2 * (anatomy.epicondyle_prominence - 1) * epicondyle;
  return p;
}

// Worn condyles flatten: congruent with the plateau, and lower at the wear centre.
double worn_height_mm(const KneeAnatomy& anatomy, const KneeFeatures& features, PointMm p) {
  double y = p.y;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    const CompartmentState& state = features.at(side);
    const double centre = wear_centre_x_mm(anatomy, features, side) + features.lateral_shift_mm * -1.0;
    const double flattening = state.jsn >= 3 ? 0.45 : state.jsn == 2 ? 0.30 : 0.0;
    y *= 1 - flattening * bump(p.x, centre, 12);
    y -= 0.5 * bump(p.x, centre, 8);
    if (features.attrition_compartment == side) {
      // On the condyle alone: the notch keeps its roof.
      const double across = side == Compartment::kMedial ? -p.x : p.x;
      y += kFemoralAttritionShare * features.attrition_depth_mm * bump(p.x, centre, 13) * smooth_step(7, 15, across);
    }
  }
  return y;
}

}  // namespace

double plateau_inner_edge_mm(const KneeAnatomy& anatomy) { return 0.165 * anatomy.tibia_width_mm; }

double wear_centre_x_mm(const KneeAnatomy& anatomy, const KneeFeatures& features, Compartment side) {
  const double outer = 0.5 * anatomy.tibia_width_mm;
  const double inner = plateau_inner_edge_mm(anatomy);
  const double x = outer + (inner - outer) * features.at(side).wear_centre;
  return side == Compartment::kMedial ? -x : x;
}

FemurOutline femur_outline(const KneeAnatomy& anatomy, const KneeFeatures& features) {
  const double scale = anatomy.femur_width_mm / kMeanFemurWidthMm;
  // The lateral condyle stands higher by what its normal joint space is wider, so that a healthy joint needs no tilt.
  const double lateral_rise_mm = anatomy.normal_jsw_lateral_mm - anatomy.normal_jsw_medial_mm;
  const double lean = std::tan((0.5 * (anatomy.arithmetic_hka_deg + 0.8) + anatomy.shape_deviation[23]) * kRadPerDeg);
  Contour controls;
  for (std::size_t i = 0; i < kFemur.size(); ++i) {
    PointMm p = {kFemur[i].x * scale, kFemur[i].y * scale};
    p = own_proportions(anatomy, features, p, scale);
    const double outwards = outline_deviation_mm(anatomy, i);
    const bool articular = i >= kFirstArticular && i <= kLastArticular;
    if (articular) {
      p.y -= outwards;
      p.y = worn_height_mm(anatomy, features, p);
    } else {
      p.x += p.x < 0 ? -outwards : outwards;
    }
    p.y += lateral_rise_mm * smooth_step(-8, 14, p.x) * (1 - smooth_step(25, 60, p.y));
    p.x += lean * std::max(0.0, p.y - 35);
    controls.push_back(p);
  }
  FemurOutline femur;
  femur.outline_mm = smooth_closed_curve(controls, kPieces);
  const auto begin = femur.outline_mm.begin() + static_cast<long>(kFirstArticular) * kPieces;
  const auto end = femur.outline_mm.begin() + static_cast<long>(kLastArticular) * kPieces + 1;
  femur.articular_mm.assign(begin, end);
  return femur;
}

namespace {

// What attrition has taken off the plateau: the whole width of the compartment's weight-bearing floor sinks, deepest at
// the wear centre, less at the rim, nothing at the eminence. Continuous with the side of the bone.
double attrition_loss_mm(const KneeAnatomy& anatomy, const KneeFeatures& features, double x) {
  if (!(features.attrition_depth_mm > 0)) return 0;
  const double sign = features.attrition_compartment == Compartment::kMedial ? -1 : 1;
  const double across = sign * x;
  const double centre = std::abs(wear_centre_x_mm(anatomy, features, features.attrition_compartment));
  const double half = 0.5 * anatomy.tibia_width_mm;
  const double inner = plateau_inner_edge_mm(anatomy);
  const double depth = (1 - kFemoralAttritionShare) * features.attrition_depth_mm;
  const double inside = smooth_step(inner - 2, centre, across);
  const double rim = 1 - 0.45 * smooth_step(centre, half, across);
  return depth * inside * rim;
}

}  // namespace

Contour tibia_surface(const KneeAnatomy& anatomy, const KneeFeatures& features, const EminenceScale& scale,
                      RandomStream roughness) {
  const double half = 0.5 * anatomy.tibia_width_mm;
  const double inner = plateau_inner_edge_mm(anatomy);
  const double tip_angle = std::max(55.0, anatomy.spine_tip_angle_deg - features.spine_sharpening_deg);
  const double steepness = 1 / std::tan(0.5 * tip_angle * kRadPerDeg);
  const double medial_tip = (anatomy.medial_spine_height_mm + features.spine_growth_mm) * scale.spines;
  const double lateral_tip = (anatomy.lateral_spine_height_mm + features.spine_growth_mm) * scale.spines;
  const double tip_x = 0.5 * anatomy.spine_separation_mm;

  // Roughness of the plates: three waves of 4-10 mm with the wanted RMS.
  std::array<double, 3> wave_number{}, phase{};
  for (std::size_t k = 0; k < 3; ++k) {
    wave_number[k] = 2 * std::numbers::pi / roughness.uniform(6, 14);
    phase[k] = roughness.uniform(0, 2 * std::numbers::pi);
  }
  const double wave_mm = kProjectedRoughness * features.plate_irregularity_mm * std::sqrt(2.0 / 3.0);

  // A spine stands out of the hill of the eminence; its flanks meet at the tip's angle and are gone before the plateau.
  const auto spine = [&](double x, double tip_height, double centre) {
    const double dx = x - centre;
    const double fallen = steepness * (std::sqrt(dx * dx + 0.8) - 0.894);
    return tip_height - fallen;
  };
  Contour surface;
  const double step = 0.75;
  const int count = static_cast<int>(std::ceil(2 * (half - 0.4) / step));
  for (int i = 0; i <= count; ++i) {
    const double x = -half + 0.4 + 2 * (half - 0.4) * i / count;
    const double u = (half - std::abs(x)) / (half - inner);  // 0 at the rim, 1 at the eminence
    const double concavity = x < 0 ? anatomy.medial_concavity_mm : anatomy.lateral_concavity_mm;
    double y = u < 1 ? -concavity * std::sin(std::numbers::pi * std::clamp(u, 0.0, 1.0)) : 0.0;
    // The floor climbs towards the eminence, as the femoral flanks do towards the notch.
    const double climb = std::max(0.0, 1 - std::abs(x) / (0.29 * anatomy.tibia_width_mm));
    y += 5.2 * scale.hill * climb * std::sqrt(climb);
    const double corner = std::max(0.0, 1 - (half - std::abs(x)) / 4.5);
    y -= 3.0 * corner * corner;
    for (std::size_t k = 0; k < 3; ++k) y += wave_mm * std::sin(wave_number[k] * x + phase[k]);
    const double between = 1 - smooth_step(inner - 3, inner + 1.5, std::abs(x));
    const double peaked =
        smooth_max(smooth_max(y, spine(x, medial_tip, -tip_x), 1.0), spine(x, lateral_tip, tip_x), 1.0);
    y += between * (peaked - y);
    y -= attrition_loss_mm(anatomy, features, x);
    surface.push_back({x, y});
  }
  return surface;
}

Contour tibia_outline(const KneeAnatomy& anatomy, const Contour& surface_mm) {
  const double scale = anatomy.tibia_width_mm / kMeanTibiaWidthMm;
  const double lean = std::tan(0.5 * (anatomy.arithmetic_hka_deg + 0.8) * kRadPerDeg);
  Contour sides;
  std::size_t k = 12;
  const auto place = [&](PointMm p) {
    p = {p.x * scale, p.y * scale};
    const double outwards = 0.8 * anatomy.shape_deviation[12 + k++ % 8];
    p.x += (p.x < 0 ? -outwards : outwards) * smooth_step(4, 14, -p.y);
    p.x += lean * std::min(0.0, p.y + 8);
    return p;
  };
  // Where a rim has been lost the side begins lower: it starts below the surface's end.
  const double lateral_top = surface_mm.back().y, medial_top = surface_mm.front().y;
  Contour lateral = {surface_mm.back()}, medial;
  for (const PointMm& p : kTibiaLateralSide) {
    const PointMm at = place(p);
    if (at.y < lateral_top - 1.5) lateral.push_back(at);
  }
  k = 19;
  for (const PointMm& p : kTibiaMedialSide) {
    const PointMm at = place(p);
    if (at.y < medial_top - 1.5) medial.push_back(at);
  }
  medial.push_back(surface_mm.front());
  // Smooth each side with the end of the surface as neighbour; the foot of the shaft lies outside every film.
  Contour outline = surface_mm;
  outline.pop_back();
  const Contour down = smooth_open_curve(lateral, kPieces);
  const Contour up = smooth_open_curve(medial, kPieces);
  outline.insert(outline.end(), down.begin(), down.end());
  outline.insert(outline.end(), up.begin(), up.end() - 1);
  return outline;
}

Contour fibula_outline(const KneeAnatomy& anatomy, const Positioning& positioning) {
  const double half = 0.5 * anatomy.tibia_width_mm;
  // Internal or external rotation carries the head 1 mm per 1.9 degrees [S11].
  const double x = half - 8.5 + anatomy.fibula_lateral_mm + positioning.axial_rotation_deg / 1.9;
  const double tip = -anatomy.fibula_tip_mm;
  const double r = 0.5 * anatomy.fibula_head_width_mm;
  const Contour controls = {
      {x + 0.1 * r, tip},        {x + 0.75 * r, tip - 3.5}, {x + r, tip - 10},         {x + 0.85 * r, tip - 17},
      {x + 0.5 * r, tip - 26},   {x + 0.42 * r, tip - 38},  {x + 0.40 * r, tip - 50},  {x + 0.38 * r, tip - 62},
      {x + 0.36 * r, tip - 120}, {x + 0.36 * r, tip - 230}, {x - 0.48 * r, tip - 230}, {x - 0.48 * r, tip - 120},
      {x - 0.50 * r, tip - 62},  {x - 0.52 * r, tip - 50},  {x - 0.54 * r, tip - 38},  {x - 0.66 * r, tip - 26},
      {x - 0.95 * r, tip - 16},  {x - 0.93 * r, tip - 8},   {x - 0.55 * r, tip - 2.5}};
  return smooth_closed_curve(controls, 3);
}

Contour patella_outline(const KneeAnatomy& anatomy, const Positioning& positioning) {
  const double x = 9.0 + 4.0 * anatomy.shape_deviation[20] + 0.4 * positioning.axial_rotation_deg;
  const double y = 43 + 5.5 * anatomy.shape_deviation[21];
  const double a = 0.5 * anatomy.patella_width_mm, b = 0.5 * anatomy.patella_height_mm;
  const Contour controls = {{x, y - b},
                            {x + 0.5 * a, y - 0.78 * b},
                            {x + 0.9 * a, y - 0.2 * b},
                            {x + 0.97 * a, y + 0.3 * b},
                            {x + 0.68 * a, y + 0.8 * b},
                            {x, y + b},
                            {x - 0.68 * a, y + 0.8 * b},
                            {x - 0.97 * a, y + 0.3 * b},
                            {x - 0.9 * a, y - 0.2 * b},
                            {x - 0.5 * a, y - 0.78 * b}};
  return smooth_closed_curve(controls, 3);
}

}  // namespace genu::generator
