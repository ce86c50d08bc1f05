#include "generator/dataset/manifest.h"

#include <fmt/format.h>

#include <functional>

#include "core/errors.h"
#include "generator/truth/measure_knee.h"

namespace genu::generator {

namespace {

struct Row {
  const GenerateConfig& config;
  const KneeSample& sample;
  const SamplePaths& paths;
  std::array<double, kJswLocations.size()> jsw_mm;
};

struct Column {
  ManifestColumn column;
  std::function<std::string(const Row&)> cell;
};

std::string fixed(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find_first_not_of("-0.") == std::string::npos && text.front() == '-') text.erase(0, 1);
  return text;
}

// A list of columns; each adder names what it takes.
class Columns {
 public:
  std::vector<Column> list;

  template <class F>
  void text(const char* name, F get) {
    list.push_back({{name, ColumnKind::kText}, [get](const Row& row) { return std::string(get(row)); }});
  }
  template <class F>
  void number(const std::string& name, F get, int decimals = 3) {
    list.push_back(
        {{name, ColumnKind::kNumber}, [get, decimals](const Row& row) { return fixed(get(row), decimals); }});
  }
  template <class F>
  void whole(const char* name, F get) {
    list.push_back({{name, ColumnKind::kNumber}, [get](const Row& row) { return fmt::format("{}", get(row)); }});
  }
};

void add_contract(Columns& c) {
  c.text("id", [](const Row& r) { return r.sample.id; });
  c.text("path", [](const Row& r) { return r.paths.image; });
  c.text("split", [](const Row& r) { return to_string(r.sample.plan.split); });
  c.whole("kl", [](const Row& r) { return r.sample.kl.value(); });
  c.whole("kl_read", [](const Row& r) { return r.sample.kl_read.value(); });
  c.text("side", [](const Row& r) { return to_string(r.sample.anatomy.side); });
  c.text("subject", [](const Row& r) { return r.sample.plan.subject; });
  c.text("sex", [](const Row& r) { return r.sample.anatomy.sex == Sex::kFemale ? "F" : "M"; });
  c.number(
      "age_years", [](const Row& r) { return r.sample.anatomy.age_years; }, 1);
  c.number(
      "pixel_spacing_mm", [](const Row& r) { return r.sample.frame.pixel_spacing_mm; }, 5);
  c.number("jsw_medial_mm", [](const Row& r) { return r.sample.features.medial.jsw_mm; });
  c.number("jsw_lateral_mm", [](const Row& r) { return r.sample.features.lateral.jsw_mm; });
  c.whole("jsn_medial", [](const Row& r) { return r.sample.features.medial.jsn; });
  c.whole("jsn_lateral", [](const Row& r) { return r.sample.features.lateral.jsn; });
  c.whole("osteophyte_fm", [](const Row& r) { return r.sample.features.osteophytes[0].oarsi_grade; });
  c.whole("osteophyte_fl", [](const Row& r) { return r.sample.features.osteophytes[1].oarsi_grade; });
  c.whole("osteophyte_tm", [](const Row& r) { return r.sample.features.osteophytes[2].oarsi_grade; });
  c.whole("osteophyte_tl", [](const Row& r) { return r.sample.features.osteophytes[3].oarsi_grade; });
  c.whole("sclerosis_medial", [](const Row& r) { return r.sample.features.medial.sclerosis; });
  c.whole("sclerosis_lateral", [](const Row& r) { return r.sample.features.lateral.sclerosis; });
  c.whole("cyst_count", [](const Row& r) { return r.sample.features.cysts.size(); });
  c.whole("attrition_grade", [](const Row& r) { return r.sample.features.attrition_grade; });
  c.number("hka_deg", [](const Row& r) { return r.sample.geometry.hka_deg; });
  c.number("rim_separation_mm", [](const Row& r) { return r.sample.geometry.rim_separation_mm; });
  c.whole("inverted", [](const Row& r) { return r.sample.look.polarity == Polarity::kBoneDark ? 1 : 0; });
  c.whole("seed", [](const Row& r) { return r.sample.plan.number; });
  c.text("sha256", [](const Row& r) { return r.paths.image_sha256; });
}

void add_origin(Columns& c) {
  c.text("mode", [](const Row& r) { return r.config.mode == Mode::kPhysical ? "physical" : "seed_compat"; });
  c.text("pair", [](const Row& r) { return r.sample.plan.pair; });
  c.text("dials", [](const Row& r) { return r.config.dials.names(); });
  c.whole("kl_planned", [](const Row& r) { return r.sample.plan.grade.value(); });
  c.text("mask_path", [](const Row& r) { return r.paths.mask; });
  c.text("mask_sha256", [](const Row& r) { return r.paths.mask_sha256; });
  c.text("clean_path", [](const Row& r) { return r.paths.clean; });
}

void add_anatomy(Columns& c) {
  c.number(
      "bmi", [](const Row& r) { return r.sample.anatomy.bmi; }, 1);
  c.number("femur_width_mm", [](const Row& r) { return r.sample.anatomy.femur_width_mm; });
  c.number("tibia_width_mm", [](const Row& r) { return r.sample.anatomy.tibia_width_mm; });
  c.number("condyle_depth_mm", [](const Row& r) { return r.sample.anatomy.condyle_depth_mm; });
  c.number("notch_width_mm", [](const Row& r) { return r.sample.anatomy.notch_width_mm; });
  c.number("soft_thickness_mm", [](const Row& r) { return r.sample.anatomy.soft_thickness_mm; });
  c.number("cortex_scale", [](const Row& r) { return r.sample.anatomy.cortex_scale; });
  c.number("bvtv_femur", [](const Row& r) { return r.sample.anatomy.bvtv_femur; });
  c.number("bvtv_tibia_medial", [](const Row& r) { return r.sample.anatomy.bvtv_tibia_medial; });
  c.number("bvtv_tibia_lateral", [](const Row& r) { return r.sample.anatomy.bvtv_tibia_lateral; });
  c.number("arithmetic_hka_deg", [](const Row& r) { return r.sample.anatomy.arithmetic_hka_deg; });
}

void add_disease(Columns& c) {
  c.number("normal_jsw_medial_mm", [](const Row& r) { return r.sample.features.medial.normal_jsw_mm; });
  c.number("normal_jsw_lateral_mm", [](const Row& r) { return r.sample.features.lateral.normal_jsw_mm; });
  for (std::size_t i = 0; i < kJswLocations.size(); ++i) {
    const std::string name = fmt::format("jsw_x{:03.0f}_mm", 1000 * kJswLocations[i]);
    c.number(name, [i](const Row& r) { return r.jsw_mm[i]; });
  }
  for (std::size_t i = 0; i < kOsteophyteSiteCount; ++i) {
    c.number(fmt::format("osteophyte_{}_mm", kOsteophyteSiteNames[i]),
             [i](const Row& r) { return r.sample.features.osteophytes[i].protrusion_mm; });
  }
  c.number("sclerosis_medial_mm", [](const Row& r) { return r.sample.features.medial.sclerosis_thickness_mm; });
  c.number("sclerosis_lateral_mm", [](const Row& r) { return r.sample.features.lateral.sclerosis_thickness_mm; });
  c.number("largest_cyst_mm", [](const Row& r) {
    double largest = 0;
    for (const Cyst& cyst : r.sample.features.cysts) largest = std::max(largest, cyst.diameter_mm);
    return largest;
  });
  c.number("attrition_mm", [](const Row& r) { return r.sample.features.attrition_depth_mm; });
  c.number("spine_sharpening_deg", [](const Row& r) { return r.sample.features.spine_sharpening_deg; });
  c.number("spine_growth_mm", [](const Row& r) { return r.sample.features.spine_growth_mm; });
  c.number("lateral_shift_mm", [](const Row& r) { return r.sample.features.lateral_shift_mm; });
  c.number("plate_irregularity_mm", [](const Row& r) { return r.sample.features.plate_irregularity_mm; });
  c.number("notch_narrowing_mm", [](const Row& r) { return r.sample.features.notch_narrowing_mm; });
  c.number("fabella_mm", [](const Row& r) { return r.sample.features.fabella.length_mm; });
  c.whole("loose_body_count", [](const Row& r) { return r.sample.features.loose_bodies.size(); });
  c.number("largest_loose_body_mm", [](const Row& r) {
    double largest = 0;
    for (const LooseBody& body : r.sample.features.loose_bodies) largest = std::max(largest, body.length_mm);
    return largest;
  });
  c.number("chondrocalcinosis_medial", [](const Row& r) { return r.sample.features.chondrocalcinosis.medial; });
  c.number("chondrocalcinosis_lateral", [](const Row& r) { return r.sample.features.chondrocalcinosis.lateral; });
  c.number("chondrocalcinosis_cartilage", [](const Row& r) { return r.sample.features.chondrocalcinosis.cartilage; });
  c.text("hardware", [](const Row& r) { return to_string(r.sample.features.hardware.kind); });
}

void add_technique(Columns& c) {
  c.number(
      "femur_fill", [](const Row& r) { return r.sample.positioning.femur_fill; }, 4);
  c.number(
      "joint_line_row", [](const Row& r) { return r.sample.positioning.joint_line_row; }, 4);
  c.number(
      "centre_column", [](const Row& r) { return r.sample.positioning.centre_column; }, 4);
  c.number("tilt_deg", [](const Row& r) { return r.sample.positioning.tilt_deg; });
  c.number("rim_angle_deg", [](const Row& r) { return r.sample.positioning.rim_angle_deg; });
  c.number("axial_rotation_deg", [](const Row& r) { return r.sample.positioning.axial_rotation_deg; });
  c.number(
      "tube_voltage_kvp", [](const Row& r) { return r.sample.exposure.tube_voltage_kvp; }, 1);
  c.number("scatter_to_primary", [](const Row& r) { return r.sample.exposure.scatter_to_primary; });
  c.number("blur_sigma_px", [](const Row& r) { return r.sample.exposure.blur_sigma_px; });
  c.number(
      "quantum_noise", [](const Row& r) { return r.sample.exposure.quantum_noise; }, 5);
  c.number(
      "heel_gradient", [](const Row& r) { return r.sample.exposure.heel_gradient; }, 4);
  c.number(
      "mean_grey", [](const Row& r) { return r.sample.look.mean_grey; }, 1);
  c.number(
      "sd_grey", [](const Row& r) { return r.sample.look.sd_grey; }, 1);
  c.number("curve_steepness", [](const Row& r) { return r.sample.look.curve_steepness; });
  c.number("curve_centre", [](const Row& r) { return r.sample.look.curve_centre; });
  c.number("range_compression", [](const Row& r) { return r.sample.look.range_compression; });
  c.number("edge_gain", [](const Row& r) { return r.sample.look.edge_gain; });
  c.number("motion_blur_mm", [](const Row& r) { return r.sample.exposure.motion_mm; });
  c.number(
      "motion_direction_deg",
      [](const Row& r) { return r.sample.exposure.motion_mm > 0 ? r.sample.exposure.motion_direction_deg : 0; }, 1);
  c.text("border", [](const Row& r) { return to_string(r.sample.surroundings.border); });
  c.text("border_side", [](const Row& r) {
    const Surroundings& s = r.sample.surroundings;
    return s.border == Border::kNone ? std::string_view{} : to_string(s.border_side);
  });
  c.number("border_mm", [](const Row& r) {
    const Surroundings& s = r.sample.surroundings;
    return s.border == Border::kNone ? 0 : s.border_share * r.sample.frame.width_px * r.sample.frame.pixel_spacing_mm;
  });
  c.number("marker_mm", [](const Row& r) { return r.sample.surroundings.marker_mm; });
}

const std::vector<Column>& all_columns() {
  static const std::vector<Column> columns = [] {
    Columns c;
    add_contract(c);
    add_origin(c);
    add_anatomy(c);
    add_disease(c);
    add_technique(c);
    return c.list;
  }();
  return columns;
}

}  // namespace

const std::vector<ManifestColumn>& manifest_columns() {
  static const std::vector<ManifestColumn> columns = [] {
    std::vector<ManifestColumn> out;
    for (const Column& column : all_columns()) out.push_back(column.column);
    return out;
  }();
  return columns;
}

std::vector<std::string> manifest_header() {
  std::vector<std::string> names;
  for (const ManifestColumn& column : manifest_columns()) names.push_back(column.name);
  return names;
}

std::vector<std::string> manifest_row(const GenerateConfig& config, const KneeSample& sample,
                                      const SamplePaths& paths) {
  const Row row{config, sample, paths, jsw_profile_mm(sample.geometry)};
  std::vector<std::string> cells;
  for (const Column& column : all_columns()) cells.push_back(column.cell(row));
  return cells;
}

}  // namespace genu::generator
