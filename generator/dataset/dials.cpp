#include "generator/dataset/dials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/errors.h"

namespace genu::generator {

namespace {

// Linear between knots, held at the ends.
template <std::size_t N>
double between(const std::array<double, N>& at, const std::array<double, N>& values, double x) {
  if (!(x > at.front())) return values.front();
  for (std::size_t i = 1; i < N; ++i) {
    if (x <= at[i]) return values[i - 1] + (values[i] - values[i - 1]) * (x - at[i - 1]) / (at[i] - at[i - 1]);
  }
  return values.back();
}

void set_jsw(CompartmentState& state, double jsw_mm) {
  state.jsw_mm = jsw_mm;
  state.jsn = narrowing_of_share(jsw_mm / state.normal_jsw_mm);
}

// Sizes that go with a protrusion: the middles of spec 3.3's ranges, continuous so that a sweep does not jump. A lip
// that chance had drawn keeps its direction.
void set_osteophyte(Osteophyte& osteophyte, double protrusion_mm) {
  constexpr std::array<double, 5> kProtrusion = {0, 1, 2, 4, 8.5};
  constexpr std::array<double, 5> kBase = {1.5, 2.4, 4.0, 6.5, 12};
  constexpr std::array<double, 5> kDepth = {7, 12, 16, 21, 28};
  osteophyte.protrusion_mm = protrusion_mm;
  osteophyte.oarsi_grade = osteophyte_grade_of(protrusion_mm);
  osteophyte.base_height_mm = between(kProtrusion, kBase, protrusion_mm);
  osteophyte.depth_mm = between(kProtrusion, kDepth, protrusion_mm);
}

void set_sclerosis(CompartmentState& state, double grade) {
  constexpr std::array<double, 4> kThickness = {0, 3, 6, 11.5};  // spec 3.4, middles
  state.sclerosis = static_cast<int>(grade + 0.5);
  state.sclerosis_thickness_mm = kThickness[static_cast<std::size_t>(state.sclerosis)];
}

// 0 takes every cyst away; otherwise every cyst has this size, and a knee without one gets one in the medial tibia.
void set_cysts(KneeFeatures& features, double diameter_mm) {
  if (!(diameter_mm > 0)) {
    features.cysts.clear();
    return;
  }
  if (features.cysts.empty()) features.cysts.push_back(Cyst{.centre_depth_mm = 7});
  for (Cyst& cyst : features.cysts) cyst.diameter_mm = diameter_mm;
}

void set_attrition(KneeFeatures& features, double depth_mm) {
  features.attrition_depth_mm = depth_mm;
  features.attrition_grade = !(depth_mm > 0) ? 0 : depth_mm < 5 ? 1 : depth_mm < 10 ? 2 : 3;  // spec 3.4
}

// 0 takes every loose body away; otherwise every one has this length, and a knee without one gets one in its notch.
void set_loose_bodies(KneeFeatures& features, double length_mm) {
  if (!(length_mm > 0)) {
    features.loose_bodies.clear();
    return;
  }
  if (features.loose_bodies.empty()) features.loose_bodies.push_back(LooseBody{});
  for (LooseBody& body : features.loose_bodies) body.length_mm = length_mm;
}

template <OsteophyteSite site>
void osteophyte_dial(const SampledKnee& knee, double value) {
  set_osteophyte(knee.features.at(site), value);
}

}  // namespace

int narrowing_of_share(double share) {
  return share >= kEvidentNarrowing ? 0 : share >= 0.68 ? 1 : share >= 0.25 ? 2 : 3;
}

int osteophyte_grade_of(double protrusion_mm) {
  return protrusion_mm >= 4 ? 3 : protrusion_mm >= 2 ? 2 : protrusion_mm >= kDefiniteOsteophyteMm ? 1 : 0;
}

const std::vector<Dial>& all_dials() {
  using K = const SampledKnee&;
  static const std::vector<Dial> dials = {
      {"jsw_medial_mm",
       {0, 15},
       "least medial joint space; narrowing follows from its share of the normal width",
       [](K k, double v) { set_jsw(k.features.medial, v); }},
      {"jsw_lateral_mm", {0, 15}, "least lateral joint space", [](K k, double v) { set_jsw(k.features.lateral, v); }},
      {"osteophyte_fm_mm",
       {0, 10},
       "protrusion at the medial femur; OARSI grade 1 from 1, 2 from 2, 3 from 4 mm",
       osteophyte_dial<OsteophyteSite::kFemurMedial>},
      {"osteophyte_fl_mm", {0, 10}, "protrusion at the lateral femur", osteophyte_dial<OsteophyteSite::kFemurLateral>},
      {"osteophyte_tm_mm", {0, 10}, "protrusion at the medial tibia", osteophyte_dial<OsteophyteSite::kTibiaMedial>},
      {"osteophyte_tl_mm", {0, 10}, "protrusion at the lateral tibia", osteophyte_dial<OsteophyteSite::kTibiaLateral>},
      {"sclerosis_medial",
       {0, 3},
       "grade of medial sclerosis, rounded",
       [](K k, double v) { set_sclerosis(k.features.medial, v); }},
      {"sclerosis_lateral",
       {0, 3},
       "grade of lateral sclerosis, rounded",
       [](K k, double v) { set_sclerosis(k.features.lateral, v); }},
      {"cyst_diameter_mm",
       {0, 12},
       "of every cyst; a knee without one gets one in the medial tibia; 0 takes them away",
       [](K k, double v) { set_cysts(k.features, v); }},
      {"attrition_mm", {0, 14}, "depth of bone attrition", [](K k, double v) { set_attrition(k.features, v); }},
      {"spine_sharpening_deg",
       {0, 60},
       "taken from the tip angle of the tibial spines",
       [](K k, double v) { k.features.spine_sharpening_deg = v; }},
      {"spine_growth_mm",
       {0, 5},
       "added to the height of the tibial spines",
       [](K k, double v) { k.features.spine_growth_mm = v; }},
      {"lateral_shift_mm",
       {-8, 12},
       "of the tibia against the femur",
       [](K k, double v) { k.features.lateral_shift_mm = v; }},
      {"plate_irregularity_mm",
       {0, 2},
       "RMS of the subchondral plates",
       [](K k, double v) { k.features.plate_irregularity_mm = v; }},
      {"notch_narrowing_mm",
       {0, 8},
       "taken from the width of the intercondylar notch",
       [](K k, double v) { k.features.notch_narrowing_mm = v; }},
      {"fabella_mm",
       {0, 15},
       "length of the fabella; 0 takes it away",
       [](K k, double v) { k.features.fabella.length_mm = v; }},
      {"loose_body_mm",
       {0, 15},
       "length of every loose body; a knee without one gets one in its notch; 0 takes them away",
       [](K k, double v) { set_loose_bodies(k.features, v); }},
      {"chondrocalcinosis",
       {0, 1},
       "how much of both menisci and of the condyles' cartilage is calcified",
       [](K k, double v) {
         k.features.chondrocalcinosis = {v, v, v};
       }},
      {"hardware",
       {0, 3},
       "metal, rounded: 0 none, 1 staple, 2 screw, 3 total knee replacement (which has no grade)",
       [](K k, double v) { k.features.hardware.kind = static_cast<HardwareKind>(static_cast<int>(v + 0.5)); }},
      {"arithmetic_hka_deg",
       {-15, 15},
       "constitutional alignment, negative is varus",
       [](K k, double v) { k.anatomy.arithmetic_hka_deg = v; }},
      {"side_cortex_mm",
       {0, 20},
       "cortical bone along the beam that grazes the bones' sides, added to their shells",
       [](K k, double v) { k.anatomy.side_cortex_mm = v; }},
      {"soft_thickness_mm",
       {60, 220},
       "soft tissue along the beam at the joint",
       [](K k, double v) { k.anatomy.soft_thickness_mm = v; }},
      {"tilt_deg",
       {-15, 15},
       "in the image plane; positive lowers the lateral side",
       [](K k, double v) { k.positioning.tilt_deg = v; }},
      {"axial_rotation_deg",
       {-20, 20},
       "about the leg; positive is external",
       [](K k, double v) { k.positioning.axial_rotation_deg = v; }},
      {"rim_angle_deg",
       {-10, 15},
       "beam against plateau; 0 aligns the rims",
       [](K k, double v) { k.positioning.rim_angle_deg = v; }},
      {"femur_fill",
       {0.3, 1.5},
       "epicondylar width over image width",
       [](K k, double v) { k.positioning.femur_fill = v; }},
      {"joint_line_row",
       {0.1, 0.9},
       "height of the joint line, 0 top .. 1 bottom",
       [](K k, double v) { k.positioning.joint_line_row = v; }},
      {"centre_column",
       {0.2, 0.8},
       "of the knee, 0 left .. 1 right of a left knee's picture",
       [](K k, double v) { k.positioning.centre_column = v; }},
      {"tube_voltage_kvp", {55, 80}, "tube voltage", [](K k, double v) { k.exposure.tube_voltage_kvp = v; }, true},
      {"scatter_to_primary",
       {0, 3},
       "scatter over primary",
       [](K k, double v) { k.exposure.scatter_to_primary = v; },
       true},
      {"blur_sigma_px",
       {0.05, 2},
       "blur of detector and resampling",
       [](K k, double v) { k.exposure.blur_sigma_px = v; },
       true},
      {"quantum_noise",
       {0, 0.2},
       "relative noise of the signal",
       [](K k, double v) { k.exposure.quantum_noise = v; },
       true},
      {"heel_gradient",
       {-0.3, 0.3},
       "log-signal slope along the tube axis",
       [](K k, double v) { k.exposure.heel_gradient = v; },
       true},
      {"motion_blur_mm",
       {0, 3},
       "how far the knee moved during the exposure",
       [](K k, double v) { k.exposure.motion_mm = v; },
       true},
      {"mean_grey", {20, 235}, "grey mean of the film", [](K k, double v) { k.look.mean_grey = v; }, true},
      {"sd_grey", {5, 100}, "grey SD of the film", [](K k, double v) { k.look.sd_grey = v; }, true},
      {"curve_steepness", {0.2, 5}, "of the sigmoid look-up", [](K k, double v) { k.look.curve_steepness = v; }, true},
      {"curve_centre", {-3, 3}, "of the sigmoid look-up", [](K k, double v) { k.look.curve_centre = v; }, true},
      {"range_compression",
       {0, 0.9},
       "dynamic range compression",
       [](K k, double v) { k.look.range_compression = v; },
       true},
      {"edge_gain", {0, 3}, "edge enhancement", [](K k, double v) { k.look.edge_gain = v; }, true},
      {"detail_evenness",
       {0, 1},
       "how far fine detail is as steep in every part of the film",
       [](K k, double v) { k.look.detail_evenness = v; },
       true},
      {"detail_constancy",
       {0, 1},
       "how far fine detail is as strong in films of any contrast",
       [](K k, double v) { k.look.detail_constancy = v; },
       true},
      {"inverted",
       {0, 1},
       "1 makes a photometric negative",
       [](K k, double v) { k.look.polarity = v >= 0.5 ? Polarity::kBoneDark : Polarity::kBoneBright; },
       true},
      {"collimation",
       {0, 2},
       "edge of the collimated field, rounded: 0 outside the crop, 1 black border, 2 white border",
       [](K k, double v) { k.surroundings.border = static_cast<Border>(static_cast<int>(v + 0.5)); }},
      {"marker_mm",
       {0, 20},
       "height of the lead side letter; 0 takes it away",
       [](K k, double v) { k.surroundings.marker_mm = v; }},
  };
  return dials;
}

const Dial& find_dial(const std::string& name) {
  std::string known;
  for (const Dial& dial : all_dials()) {
    if (name == dial.name) return dial;
    known += (known.empty() ? "" : ", ") + std::string(dial.name);
  }
  throw UsageError("unknown dial '" + name + "'; dials: " + known);
}

void DialsConfig::list_fields(FieldList& fields) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Dial& dial = all_dials()[i];
    fields.add(dial.name, values[i], dial.range, dial.help);
  }
}

void DialsConfig::set(const std::string& name, double value) {
  const Dial& dial = find_dial(name);
  if (!(value >= dial.range.low && value <= dial.range.high)) {
    throw UsageError(fmt::format("dial {}: {} is outside {} .. {}", name, value, dial.range.low, dial.range.high));
  }
  values[static_cast<std::size_t>(&dial - all_dials().data())] = value;
}

std::string DialsConfig::names() const {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) text += (text.empty() ? "" : ";") + std::string(all_dials()[i].name);
  }
  return text;
}

std::optional<double> DialsConfig::value(const std::string& name) const {
  return values[static_cast<std::size_t>(&find_dial(name) - all_dials().data())];
}

void DialsConfig::apply(const SampledKnee& knee) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) all_dials()[i].apply(knee, *values[i]);
  }
}

void DialsConfig::apply_technique(const SampledKnee& knee) const {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] && all_dials()[i].technique) all_dials()[i].apply(knee, *values[i]);
  }
}

}  // namespace genu::generator
