#include "generator/pathology/disease.h"

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "generator/pathology/calcification.h"
#include "generator/pathology/hardware.h"

namespace genu::generator {

namespace {

constexpr std::uint64_t kMostDraws = 2000;

struct JsnPair {
  int medial = 0;
  int lateral = 0;
};

std::size_t row_of(KlGrade grade) { return static_cast<std::size_t>(grade.value()); }

// A grade below `limit` from a row of weights; 0 where the row gives none.
int jsn_below(const std::vector<double>& row, int limit, RandomStream& stream) {
  std::vector<double> weights(row.begin(), row.begin() + limit);
  double total = 0;
  for (const double w : weights) total += w;
  return total > 0 ? static_cast<int>(stream.categorical(weights)) : 0;
}

// KL 3 has narrowing 2 and KL 4 narrowing 3 in the diseased compartment, and never more in the other (spec 0.4, 3.2).
JsnPair sample_jsn(const DiseaseConfig& config, Sex sex, KlGrade target, RandomStream& stream) {
  const auto& medial_row = config.jsn_medial.at(row_of(target));
  const auto& lateral_row = config.jsn_lateral.at(row_of(target));
  if (target.value() <= 2) return {jsn_below(medial_row, 2, stream), jsn_below(lateral_row, 2, stream)};

  const int worst = target.value() - 1;
  std::vector<double> share = config.compartment_share.at(static_cast<std::size_t>(target.value() - 3));
  if (sex == Sex::kFemale) {
    const double moved = std::min(config.lateral_share_women, share[0]);
    share[0] -= moved;
    share[1] += moved;
  }
  const std::size_t pattern = stream.categorical(share);
  if (pattern == 2) return {worst, worst};
  if (pattern == 0) return {worst, jsn_below(lateral_row, worst, stream)};
  return {jsn_below(medial_row, worst, stream), worst};
}

// Share of the normal width that is left (spec 2.2). `opposite_gain` widens the healthy side of a tilted joint.
double jsw_share(int jsn, double opposite_gain, RandomStream& stream) {
  switch (jsn) {
    case 0:
      return std::max(0.55, stream.truncated_normal(opposite_gain, 0.13));
    case 1:
      return std::max(0.50, stream.truncated_normal(0.83, 0.11));
    case 2:
      return std::max(0.15, stream.truncated_normal(0.50, 0.13));
    default:
      return std::max(0.0, stream.normal(0.08, 0.09));
  }
}

void sample_compartments(const DiseaseConfig& config, const KneeAnatomy& anatomy, KlGrade target,
                         KneeFeatures& features, RandomStream& stream) {
  const JsnPair jsn = sample_jsn(config, anatomy.sex, target, stream);
  const double gain = target.value() == 4 ? 1.10 : target.value() == 3 ? 1.05 : 1.0;
  features.medial.jsn = jsn.medial;
  features.lateral.jsn = jsn.lateral;
  features.medial.normal_jsw_mm = anatomy.normal_jsw_medial_mm;
  features.lateral.normal_jsw_mm = anatomy.normal_jsw_lateral_mm;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    CompartmentState& state = features.at(side);
    state.jsw_mm = state.normal_jsw_mm * jsw_share(state.jsn, gain, stream);
    const bool worn = state.jsn >= 2;
    state.wear_centre = worn ? stream.uniform(0.35, 0.60) : stream.truncated_normal(0.50, 0.06);
  }
  // A grade 0 knee may be read as narrowed only because it was born narrow.
  if (target.value() == 0) {
    for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
      CompartmentState& state = features.at(side);
      if (state.jsn == 1) state.jsw_mm = std::max(state.jsw_mm, kEvidentNarrowing * state.normal_jsw_mm);
    }
  }
}

Compartment worse_compartment(const KneeFeatures& features) {
  if (features.medial.jsn != features.lateral.jsn) {
    return features.medial.jsn > features.lateral.jsn ? Compartment::kMedial : Compartment::kLateral;
  }
  const double medial_share = features.medial.jsw_mm / features.medial.normal_jsw_mm;
  const double lateral_share = features.lateral.jsw_mm / features.lateral.normal_jsw_mm;
  return medial_share <= lateral_share ? Compartment::kMedial : Compartment::kLateral;
}

int grade_at(const std::vector<double>& row, double uniform) {
  double left = uniform;
  for (std::size_t grade = 0; grade + 1 < row.size(); ++grade) {
    if (left < row[grade]) return static_cast<int>(grade);
    left -= row[grade];
  }
  return static_cast<int>(row.size()) - 1;
}

// Removing knees without any osteophyte from KL 2 would raise every site's share; the rows are thinned beforehand by
// this factor so that what is left follows the table (fixed point of share = thinned / (1 - P(none)), solved by
// simulation with the default copula).
constexpr double kKl2Thinning = 0.785;

void sample_osteophyte_grades(const DiseaseConfig& config, KlGrade target, KneeFeatures& features,
                              RandomStream stream) {
  const Compartment diseased = worse_compartment(features);
  const double knee = stream.normal();
  const double diseased_side = stream.normal();
  const std::array<const Table*, kOsteophyteSiteCount> tables = {&config.osteophyte_fm, &config.osteophyte_fl,
                                                                 &config.osteophyte_tm, &config.osteophyte_tl};
  for (std::size_t site = 0; site < kOsteophyteSiteCount; ++site) {
    const bool medial = site == 0 || site == 2;
    const bool shares = medial == (diseased == Compartment::kMedial);
    const double shared = config.osteophyte_knee_factor;
    const double local = shares ? config.osteophyte_compartment_factor : 0.0;
    const double z = std::sqrt(shared) * knee + std::sqrt(local) * diseased_side +
                     std::sqrt(std::max(0.0, 1 - shared - local)) * stream.normal();
    std::vector<double> row = tables[site]->at(row_of(target));
    if (target.value() == 2) {
      for (std::size_t grade = 1; grade < row.size(); ++grade) row[grade] *= kKl2Thinning;
      row[0] = 1 - row[1] - row[2] - row[3];
    }
    features.osteophytes[site].oarsi_grade = grade_at(row, normal_cdf(z));
  }
}

// Millimetres of one osteophyte (spec 3.3).
void shape_osteophyte(Osteophyte& osteophyte, OsteophyteSite site, double size_scale, RandomStream& stream) {
  const bool lateral_tibia = site == OsteophyteSite::kTibiaLateral;
  const double size = stream.uniform();
  switch (osteophyte.oarsi_grade) {
    case 1:
      osteophyte.protrusion_mm = 1.0 + 1.0 * size * size_scale;
      osteophyte.base_height_mm = 2.2 + 1.8 * size;
      osteophyte.direction_deg = stream.truncated_normal(lateral_tibia ? 5 : 0, 15);
      osteophyte.depth_mm = stream.uniform(10, 18);
      break;
    case 2:
      osteophyte.protrusion_mm = 2.0 + 2.0 * size * size_scale;
      osteophyte.base_height_mm = 4.0 + 3.0 * size;
      osteophyte.direction_deg = stream.truncated_normal(lateral_tibia ? 5 : 20, lateral_tibia ? 15 : 20);
      osteophyte.depth_mm = stream.uniform(14, 24);
      break;
    case 3:
      osteophyte.protrusion_mm = 4.0 + 4.5 * size * size * size_scale;
      osteophyte.base_height_mm = 6.0 + 6.0 * size;
      osteophyte.direction_deg = stream.truncated_normal(lateral_tibia ? 5 : 40, lateral_tibia ? 15 : 22);
      osteophyte.depth_mm = stream.uniform(18, 30);
      break;
    default:
      break;
  }
  // 60 % of tibial lips turn up to the joint, 40 % hang down.
  const bool tibial = site == OsteophyteSite::kTibiaMedial || site == OsteophyteSite::kTibiaLateral;
  if (tibial && stream.bernoulli(0.4)) osteophyte.direction_deg = -osteophyte.direction_deg;
}

// A doubtful lip blunts the corner by less than a millimetre; OARSI grade 1 is its larger half.
void shape_doubtful_lip(Osteophyte& osteophyte, double low_mm, double high_mm, RandomStream& stream) {
  osteophyte.protrusion_mm = stream.uniform(low_mm, high_mm);
  osteophyte.base_height_mm = stream.uniform(1.8, 3.0);
  osteophyte.direction_deg = stream.truncated_normal(0, 12);
  osteophyte.depth_mm = stream.uniform(8, 16);
}

bool has_sign_of_grade_1(const KneeFeatures& features) { return derive_kl_grade(features) == KlGrade(1); }

void sample_osteophytes(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  const std::uint64_t root = stream.next_u64();
  sample_osteophyte_grades(config, target, features, RandomStream(root, 0, "grades"));
  for (std::size_t i = 0; i < kOsteophyteSiteCount; ++i) {
    Osteophyte& osteophyte = features.osteophytes[i];
    RandomStream site(root, i, "shape");
    if (target.value() == 1) {
      if (osteophyte.oarsi_grade == 1) shape_doubtful_lip(osteophyte, 0.65, 0.98, site);
    } else {
      shape_osteophyte(osteophyte, static_cast<OsteophyteSite>(i), config.size_scale, site);
    }
  }
  // Grade 1 without any sign yet: a lip too small for an OARSI grade, mostly at the medial tibia.
  if (target.value() == 1 && !has_sign_of_grade_1(features)) {
    const auto site = std::array{OsteophyteSite::kTibiaMedial, OsteophyteSite::kFemurMedial,
                                 OsteophyteSite::kTibiaLateral}[stream.categorical(std::array{0.7, 0.15, 0.15})];
    shape_doubtful_lip(features.at(site), 0.35, 0.65, stream);
  }
}

double row_value(const std::vector<double>& values, KlGrade grade) { return values.at(row_of(grade)); }

void sample_sclerosis(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  const Compartment worse = worse_compartment(features);
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    CompartmentState& state = features.at(side);
    // P(sclerosis | narrowing 2, 3 here) = 0.75, 0.95; the opposite side a quarter of the grade's own (spec 3.4).
    double probability = row_value(config.sclerosis, target) * (side == worse ? 1.0 : 0.25);
    if (state.jsn == 2) probability = 0.75;
    if (state.jsn == 3) probability = 0.95;
    if (!stream.bernoulli(probability)) continue;
    const double severity = 0.30 * target.value() + 0.35 * state.jsn + stream.normal(0, 0.6);
    state.sclerosis = severity > 2.1 ? 3 : severity > 1.1 ? 2 : 1;
    const std::array<double, 3> low = {2, 4, 8};
    const std::array<double, 3> high = {4, 8, 15};
    const auto i = static_cast<std::size_t>(state.sclerosis - 1);
    state.sclerosis_thickness_mm = stream.uniform(low[i], high[i]);
  }
}

void sample_cysts(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  const Compartment worse = worse_compartment(features);
  const double base = row_value(config.cyst, target);
  const double sclerosis_share = row_value(config.sclerosis, target);
  // P(cyst | sclerosis) = 3 P(cyst | none), with the grade's own share kept.
  const double without = base / (1 + 2 * sclerosis_share);
  const bool sclerotic = features.medial.sclerosis + features.lateral.sclerosis > 0;
  if (!stream.bernoulli(std::min(1.0, sclerotic ? 3 * without : without))) return;
  const int count = std::min(4, 1 + stream.poisson(0.6));
  for (int i = 0; i < count; ++i) {
    Cyst cyst;
    cyst.bone = stream.bernoulli(0.6) ? Bone::kTibia : Bone::kFemur;
    const bool here = stream.bernoulli(0.85);
    const Compartment other = worse == Compartment::kMedial ? Compartment::kLateral : Compartment::kMedial;
    cyst.compartment = here ? worse : other;
    cyst.diameter_mm = std::clamp(stream.log_normal(4.5, 0.38), 2.0, 12.0);
    cyst.elongation = stream.uniform(0.85, 1.35);
    cyst.centre_depth_mm = stream.uniform(3, 9) + 0.4 * cyst.diameter_mm;
    cyst.offset_mm = stream.truncated_normal(0, 6);
    cyst.rim_mm = stream.uniform(0.5, 1.0);
    cyst.bvtv = stream.uniform(0.03, 0.08);
    features.cysts.push_back(cyst);
  }
}

void sample_attrition(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  const Compartment worse = worse_compartment(features);
  const bool bare = features.at(worse).jsn == 3;
  const double probability =
      bare ? std::max(0.65, row_value(config.attrition, target)) : row_value(config.attrition, target);
  if (!stream.bernoulli(probability)) return;
  features.attrition_compartment = worse;
  const std::size_t grade = target.value() == 4 ? stream.categorical(std::array{0.60, 0.32, 0.08})
                                                : stream.categorical(std::array{0.9, 0.1, 0.0});
  features.attrition_grade = static_cast<int>(grade) + 1;
  // Spec 3.4 gives limits only. Shallow within them: what sinks the femur adds to the varus of spec 1.3, which was
  // worked out without it.
  const std::array<double, 3> low = {0.5, 5.0, 10.0};
  const std::array<double, 3> high = {4.5, 8.0, 12.0};
  features.attrition_depth_mm = stream.uniform(low[grade], high[grade]);
  features.attrition_subsidence_mm = features.attrition_depth_mm;
}

void sample_spines(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  if (stream.bernoulli(row_value(config.spine_sharpening, target))) {
    features.spine_sharpening_deg = std::max(0.0, stream.truncated_normal(25, 10));
    features.spine_growth_mm = std::max(0.0, stream.truncated_normal(1.0, 0.8));
  }
}

void sample_other_signs(const DiseaseConfig& config, KlGrade target, KneeFeatures& features, RandomStream& stream) {
  const std::array<double, kKlGradeCount> shift_mean = {1.0, 1.2, 2.0, 2.6, 2.6};
  const std::array<double, kKlGradeCount> shift_sd = {0.8, 0.9, 1.4, 1.6, 2.6};
  const std::size_t shift = config.moves_femur ? row_of(target) : 0;
  features.lateral_shift_mm = stream.truncated_normal(shift_mean[shift], shift_sd[shift], 2.0);
  features.femur_stays = !config.moves_femur;
  const std::array<double, kKlGradeCount> irregularity = {0.10, 0.12, 0.20, 0.35, 0.60};
  features.plate_irregularity_mm = irregularity[row_of(target)] * stream.uniform(0.7, 1.3);
  features.notch_narrowing_mm = target.value() >= 3 ? stream.uniform(0, target.value() == 4 ? 4.0 : 2.5) : 0.0;
}

bool too_atrophic(const DiseaseConfig& config, KlGrade target, const KneeFeatures& features, RandomStream& stream) {
  if (target.value() < 3) return false;
  for (const Osteophyte& osteophyte : features.osteophytes) {
    if (osteophyte.oarsi_grade > 0) return false;
  }
  return !stream.bernoulli(std::min(1.0, config.atrophic_share / 0.03));
}

}  // namespace

void DiseaseConfig::list_fields(FieldList& fields) {
  const Range unit{0.0, 1.0};
  fields.add("compartment_share", compartment_share, unit, "P(medial, lateral, both), rows KL 3 and 4");
  fields.add("lateral_share_women", lateral_share_women, unit, "moved from medial to lateral disease in women");
  fields.add("osteophyte_fm", osteophyte_fm, unit, "P(OARSI 0..3 | KL), femur medial");
  fields.add("osteophyte_fl", osteophyte_fl, unit, "P(OARSI 0..3 | KL), femur lateral");
  fields.add("osteophyte_tm", osteophyte_tm, unit, "P(OARSI 0..3 | KL), tibia medial");
  fields.add("osteophyte_tl", osteophyte_tl, unit, "P(OARSI 0..3 | KL), tibia lateral");
  fields.add("jsn_medial", jsn_medial, unit, "P(narrowing 0..3 | KL), medial");
  fields.add("jsn_lateral", jsn_lateral, unit, "P(narrowing 0..3 | KL), lateral");
  fields.add("osteophyte_knee_factor", osteophyte_knee_factor, Range{0.0, 0.7}, "variance the four sites share");
  fields.add("osteophyte_compartment_factor", osteophyte_compartment_factor, Range{0.0, 0.3},
             "variance the sites of the diseased compartment share on top");
  fields.add("atrophic_share", atrophic_share, Range{0.0, 0.03}, "KL 3-4 knees that may have no osteophyte");
  const Range grades{kKlGradeCount, kKlGradeCount};
  fields.add("sclerosis", sclerosis, unit, grades, "P(subchondral sclerosis | KL)");
  fields.add("cyst", cyst, unit, grades, "P(subchondral cyst | KL)");
  fields.add("attrition", attrition, unit, grades, "P(bone attrition | KL)");
  fields.add("spine_sharpening", spine_sharpening, unit, grades, "P(sharpened tibial spines | KL)");
  fields.add("fabella", fabella, unit, grades, "P(fabella | KL)");
  fields.add("loose_body", loose_body, unit, grades, "P(loose bodies | KL)");
  fields.add("chondrocalcinosis_age_years", chondrocalcinosis_age_years, Range{0.0, 120.0}, Range{1, 20},
             "ascending ages at which the next table is given");
  fields.add("chondrocalcinosis_share", chondrocalcinosis_share, unit, Range{1, 20},
             "population's share with calcified menisci or cartilage at each age");
  fields.add("chondrocalcinosis_odds_ratio", chondrocalcinosis_odds_ratio, Range{0.1, 20.0}, "of KL >= 2 to have it");
  fields.add("hardware_share", hardware_share, unit, "knees with a staple or a screw");
  fields.add("replacement_share", replacement_share, unit,
             "total knee replacements, which have no grade: for out-of-distribution sets without a train part");
  fields.add(
      "moves_femur", moves_femur,
      "alignment follows the joint space; false leaves the femur above its condyles as it stood before the disease");
  fields.add("size_scale", size_scale, Range{0.0, 2.0}, "multiplies the spread of osteophyte protrusion");
}

KneeFeatures sample_features(const DiseaseConfig& config, const KneeAnatomy& anatomy, KlGrade target,
                             RandomStream& stream) {
  // Every sign draws from its own address, so that changing one never changes another's draw.
  const std::uint64_t root = stream.next_u64();
  for (std::uint64_t draw = 0; draw < kMostDraws; ++draw) {
    const auto of = [&](std::string_view sign) { return RandomStream(root, draw, sign); };
    KneeFeatures features;
    RandomStream compartments = of("compartments"), osteophytes = of("osteophytes"), sclerosis = of("sclerosis"),
                 cysts = of("cysts"), attrition = of("attrition"), spines = of("spines"), others = of("others"),
                 atrophic = of("atrophic"), fabella = of("fabella"), loose_bodies = of("loose bodies"),
                 calcification = of("chondrocalcinosis"), hardware = of("hardware");
    sample_compartments(config, anatomy, target, features, compartments);
    sample_osteophytes(config, target, features, osteophytes);
    if (derive_kl_grade(features) != target || too_atrophic(config, target, features, atrophic)) continue;
    sample_sclerosis(config, target, features, sclerosis);
    sample_cysts(config, target, features, cysts);
    sample_attrition(config, target, features, attrition);
    sample_spines(config, target, features, spines);
    sample_other_signs(config, target, features, others);
    features.fabella = sample_fabella(config, target, fabella);
    features.loose_bodies = sample_loose_bodies(config, target, loose_bodies);
    features.hardware = sample_hardware(config, hardware);
    features.chondrocalcinosis = sample_chondrocalcinosis(config, anatomy.age_years, target, calcification);
    return features;
  }
  throw ConfigError("disease: its tables make KL " + std::to_string(target.value()) +
                    " unreachable; give that row's osteophyte or narrowing tables some weight");
}

}  // namespace genu::generator
