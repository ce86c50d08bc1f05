#include "generator/geometry/lesion_shapes.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "generator/geometry/bone_outlines.h"

namespace genu::generator {

namespace {

constexpr double kRadPerDeg = std::numbers::pi / 180;

enum class Walk { kForward, kBackward };

// The point of a closed outline `arc_mm` along it from the vertex nearest to `from`; negative walks the other way.
PointMm along(const Contour& outline, const PointMm& from, Walk walk, double arc_mm) {
  std::size_t here = 0;
  double nearest = 1e18;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    const double squared = std::pow(outline[i].x - from.x, 2) + std::pow(outline[i].y - from.y, 2);
    if (squared < nearest) {
      nearest = squared;
      here = i;
    }
  }
  const bool forward = (walk == Walk::kForward) == (arc_mm >= 0);
  double left = std::abs(arc_mm);
  for (std::size_t steps = 0; steps < outline.size(); ++steps) {
    const std::size_t next = forward ? (here + 1) % outline.size() : (here + outline.size() - 1) % outline.size();
    const PointMm& a = outline[here];
    const PointMm& b = outline[next];
    const double length = std::hypot(b.x - a.x, b.y - a.y);
    if (length >= left && length > 0) return {a.x + (b.x - a.x) * left / length, a.y + (b.y - a.y) * left / length};
    left -= length;
    here = next;
  }
  return outline[here];
}

struct BeakBase {
  PointMm low;
  PointMm root;  // where the tip springs
  PointMm high;
};

// A beak on the side of a bone, `sign` outwards; `upward_deg` turns its tip from horizontal.
Contour beak(const BeakBase& base, double sign, double upward_deg, double protrusion_mm) {
  const auto& [low, root, high] = base;
  const double angle = upward_deg * kRadPerDeg;
  // The protrusion counts beyond the contour, horizontally; a steep tip is longer, within reason.
  const double reach = protrusion_mm / std::max(0.55, std::cos(angle));
  const PointMm tip = {root.x + sign * reach * std::cos(angle), root.y + reach * std::sin(angle)};
  const double blunt = std::min(1.3, 0.26 * protrusion_mm) + 0.15;
  const double inside = 2.0 * sign;
  const PointMm across = {-sign * std::sin(angle) * blunt, std::cos(angle) * blunt};
  const auto towards_tip = [&](const PointMm& from, double share, double sag) {
    return PointMm{from.x + (tip.x - from.x) * share, from.y + (tip.y - from.y) * share + sag};
  };
  const double sag = -0.10 * protrusion_mm;
  const Contour controls = {{low.x - inside, low.y + 0.3},
                            low,
                            towards_tip(low, 0.55, upward_deg >= 0 ? -sag : sag),
                            {tip.x - across.x, tip.y - across.y},
                            {tip.x + across.x, tip.y + across.y},
                            towards_tip(high, 0.55, upward_deg >= 0 ? -0.6 * sag : 0.6 * sag),
                            high,
                            {high.x - inside, high.y - 0.3}};
  return smooth_closed_curve(controls, 4);
}

double surface_y_mm(const KneeGeometry& knee, Bone bone, double x) {
  return height_at_mm(bone == Bone::kTibia ? knee.tibia_articular_mm : knee.femur_articular_mm, x);
}

}  // namespace

void add_osteophytes(KneeGeometry& knee, const KneeFeatures& features) {
  for (std::size_t i = 0; i < kOsteophyteSiteCount; ++i) {
    const Osteophyte& osteophyte = features.osteophytes[i];
    if (!(osteophyte.protrusion_mm > 0)) continue;
    const auto site = static_cast<OsteophyteSite>(i);
    const bool femoral = site == OsteophyteSite::kFemurMedial || site == OsteophyteSite::kFemurLateral;
    const bool medial = site == OsteophyteSite::kFemurMedial || site == OsteophyteSite::kTibiaMedial;
    const double sign = medial ? -1 : 1;
    const Contour& articular = femoral ? knee.femur_articular_mm : knee.tibia_articular_mm;
    const PointMm margin = medial ? articular.front() : articular.back();
    OsteophyteShape shape;
    shape.site = site;
    shape.depth_mm = osteophyte.depth_mm;
    const double base = 1.3 * osteophyte.base_height_mm;  // the foot runs out along the cortex
    // Both outlines run so that the bone's side lies backwards of the medial margin and forwards of the lateral one.
    const Contour& bone = femoral ? knee.femur_mm : knee.tibia_mm;
    const Walk to_side = medial ? Walk::kBackward : Walk::kForward;
    const auto at = [&](double arc_mm) { return along(bone, margin, to_side, arc_mm); };
    if (femoral) {
      const BeakBase foot{at(-0.3 * base), at(0.1 * base), at(0.7 * base)};
      shape.outline_mm = beak(foot, sign, osteophyte.direction_deg, osteophyte.protrusion_mm);
    } else {
      const double root = osteophyte.direction_deg >= 0 ? 0.15 : 0.35;
      const BeakBase foot{at(0.9 * base), at(root * base), at(-0.1 * base)};
      shape.outline_mm = beak(foot, sign, osteophyte.direction_deg, osteophyte.protrusion_mm);
    }
    knee.osteophytes.push_back(shape);
  }
}

void add_cysts(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features) {
  for (const Cyst& cyst : features.cysts) {
    const double centre_x = wear_centre_x_mm(anatomy, features, cyst.compartment);
    const double x =
        std::clamp(centre_x + cyst.offset_mm, -0.42 * anatomy.tibia_width_mm, 0.42 * anatomy.tibia_width_mm);
    const double surface = surface_y_mm(knee, cyst.bone, x);
    CystShape shape;
    shape.cyst = cyst;
    shape.radius_x_mm = 0.5 * cyst.diameter_mm / std::sqrt(cyst.elongation);
    shape.radius_y_mm = 0.5 * cyst.diameter_mm * std::sqrt(cyst.elongation);
    // The rim stays inside the bone.
    const double depth = std::max(cyst.centre_depth_mm, shape.radius_y_mm + cyst.rim_mm + 0.8);
    shape.centre_mm = {x, cyst.bone == Bone::kTibia ? surface - depth : surface + depth};
    knee.cysts.push_back(shape);
  }
}

void add_sclerosis(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features) {
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    const CompartmentState& state = features.at(side);
    if (state.sclerosis == 0) continue;
    const double x = wear_centre_x_mm(anatomy, features, side);
    const double gain = state.sclerosis == 1 ? 1.4 : state.sclerosis == 2 ? 2.0 : 2.8;  // spec 3.4
    for (const Bone bone : {Bone::kTibia, Bone::kFemur}) {
      const double share = bone == Bone::kTibia ? 1.0 : 0.7;
      SclerosisShape shape;
      shape.bone = bone;
      shape.compartment = side;
      shape.surface_mm = {x, surface_y_mm(knee, bone, x)};
      shape.half_width_mm = 14.0 + 2.0 * state.sclerosis;
      shape.thickness_mm = state.sclerosis_thickness_mm * share;
      shape.bvtv_gain = 1 + (gain - 1) * share;
      knee.sclerosis.push_back(shape);
    }
  }
}

namespace {

// A wavering line across a bone at one height, as a physeal scar draws it.
Contour wavy_line(double low_x, double high_x, double y, double wave_mm, RandomStream& stream) {
  Contour controls;
  for (int i = 0; i <= 7; ++i) {
    controls.push_back({low_x + (high_x - low_x) * i / 7.0, y + wave_mm * stream.truncated_normal(0, 1)});
  }
  return smooth_open_curve(controls, 4);
}

void add_scars(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream) {
  const double k = anatomy.femur_width_mm / 80;
  const double femur_y = stream.truncated_normal(27, 2.5) * k;
  const double wall_x = -0.5 * anatomy.notch_width_mm - 2;
  // Upper edge of the posterior condyles (nearly always seen) and physeal scars (40 % of adults).
  const double medial_edge = -0.46 * anatomy.femur_width_mm, lateral_edge = 0.46 * anatomy.femur_width_mm;
  const Contour medial = wavy_line(medial_edge, wall_x, femur_y, 1.0, stream);
  const Contour lateral = wavy_line(-wall_x, lateral_edge, femur_y - 2, 1.0, stream);
  const double medial_path = stream.uniform(0.5, 3.2), lateral_path = stream.uniform(0.3, 2.5);
  knee.lines.push_back({transformed(medial, knee.knee_from_femur), stream.uniform(0.6, 1.0), medial_path});
  knee.lines.push_back({transformed(lateral, knee.knee_from_femur), stream.uniform(0.6, 1.0), lateral_path});
  const double scar_y = stream.truncated_normal(-15, 2.5);
  const Contour scar = wavy_line(-0.40 * anatomy.tibia_width_mm, 0.40 * anatomy.tibia_width_mm, scar_y, 1.0, stream);
  const double scar_path = stream.uniform(0.6, 3.0), scar_width = stream.uniform(0.6, 1.0);
  if (stream.bernoulli(0.4)) knee.lines.push_back({scar, scar_width, scar_path});
}

void add_fossa(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream) {
  const double k = anatomy.femur_width_mm / 80;
  const double half = 0.5 * anatomy.notch_width_mm;
  const double top = stream.truncated_normal(27, 3) * k;
  const Contour medial = {{-half + 1.0, 5 * k}, {-half - 1.2, 10 * k}, {-half - 1.8, 17 * k}, {-half - 1.4, top}};
  const Contour lateral = {{half - 0.5, 5.5 * k}, {half + 0.8, 10 * k}, {half + 1.2, 15 * k}, {half + 0.6, 0.8 * top}};
  const Contour roof = {
      {-half + 1, 0.72 * top}, {-0.3 * half, 0.82 * top}, {0.4 * half, 0.8 * top}, {half, 0.68 * top}};
  const double medial_path = stream.uniform(1.5, 6), lateral_path = stream.uniform(0.3, 3.2),
               roof_path = stream.uniform(0.3, 2.2);
  const auto add = [&](const Contour& controls, double width, double path) {
    knee.lines.push_back({transformed(smooth_open_curve(controls, 6), knee.knee_from_femur), width, path});
  };
  add(medial, stream.uniform(0.6, 1.1), medial_path);
  add(lateral, stream.uniform(0.6, 1.0), lateral_path);
  add(roof, stream.uniform(0.6, 1.1), roof_path);
}

// The rim that the tilted plateau shows apart from its floor.
void add_second_rims(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream) {
  const double half = 0.5 * anatomy.tibia_width_mm;
  const double path = stream.uniform(3, 7);
  for (const double sign : {-1.0, 1.0}) {
    const double drop = knee.rim_separation_mm * (sign < 0 ? 1.0 : 0.75);
    if (drop < 0.8) continue;
    Contour controls;
    for (int i = 0; i <= 6; ++i) {
      const double u = i / 6.0;
      const double x = sign * (half - 1.5 + (knee.inner_edge_mm + 2 - half) * u);
      controls.push_back(
          {x, 0.6 * height_at_mm(knee.tibia_articular_mm, x) - drop * std::sqrt(std::min(1.0, 0.25 + u)) - 0.3});
    }
    knee.lines.push_back({smooth_open_curve(controls, 4), 1.0, path * (sign < 0 ? 1.0 : 0.8)});
  }
}

// Two lines that run down from the eminence: the edges of the spines' base.
void add_eminence_lines(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream) {
  const double spread = 0.5 * anatomy.spine_separation_mm;
  for (const double sign : {-1.0, 1.0}) {
    const double x = sign * spread;
    const double top = height_at_mm(knee.tibia_articular_mm, x) - 1.0;
    const double reach = stream.uniform(3, 8);
    const Contour controls = {
        {x, top}, {x - sign * 0.25 * reach, top - 0.4 * reach}, {x - sign * 0.8 * reach, top - reach}};
    knee.lines.push_back({smooth_open_curve(controls, 5), 0.9, stream.uniform(1, 4)});
  }
}

// Runs of consecutive points of a closed outline that `taken` accepts.
template <class Predicate>
std::vector<Contour> runs_of(const Contour& outline, const Predicate& taken) {
  std::vector<Contour> runs(1);
  for (const PointMm& p : outline) {
    if (taken(p)) {
      runs.back().push_back(p);
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  std::erase_if(runs, [](const Contour& run) { return run.size() < 2; });
  return runs;
}

// The walls that the beam grazes: the femur's beside and above the condyles, half as bright along the tibia.
void add_side_cortex(KneeGeometry& knee, const KneeAnatomy& anatomy) {
  constexpr double kWidthMm = 1.4, kInsideMm = 0.6;
  const auto add = [&](const Contour& outline, double low_y, double high_y, double least_across, double share) {
    const auto taken = [&](const PointMm& p) { return p.y > low_y && p.y < high_y && std::abs(p.x) > least_across; };
    for (Contour& run : runs_of(outline, taken)) {
      for (PointMm& p : run) p.x -= p.x > 0 ? kInsideMm : -kInsideMm;
      knee.lines.push_back({std::move(run), kWidthMm, share * anatomy.side_cortex_mm});
    }
  };
  const double past_the_notch = 0.17 * anatomy.femur_width_mm;
  add(knee.femur_mm, 12, 120, past_the_notch, 1.0);
  add(knee.tibia_mm, -120, -5, 0, 0.5);
}

}  // namespace

void add_bone_lines(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream) {
  add_scars(knee, anatomy, stream);
  add_fossa(knee, anatomy, stream);
  add_second_rims(knee, anatomy, stream);
  add_eminence_lines(knee, anatomy, stream);
  if (anatomy.side_cortex_mm > 0) add_side_cortex(knee, anatomy);
}

}  // namespace genu::generator
