#include "generator/anatomy/knee_anatomy.h"

#include <algorithm>
#include <cmath>

namespace genu::generator {

namespace {

// Normals with a shared part, so that a big knee is big everywhere.
double correlated(RandomStream& stream, double shared, double correlation) {
  return correlation * shared + std::sqrt(1 - correlation * correlation) * stream.truncated_normal(0, 1);
}

void sample_bones(KneeAnatomy& knee, RandomStream& stream) {
  const bool male = knee.sex == Sex::kMale;
  const double size = stream.truncated_normal(0, 1);
  // Epicondylar width between [S1] and [S2]; tibia correlates 0.85 with it (spec 1.1, 1.2).
  knee.femur_width_mm = male ? 86 + 4.5 * size : 76 + 4.0 * size;
  const double tibia = correlated(stream, size, 0.85);
  knee.tibia_width_mm = male ? 80 + 4.0 * tibia : 71 + 3.6 * tibia;
  const double depth = correlated(stream, size, 0.7);
  knee.condyle_depth_mm = male ? 63 + 4.2 * depth : 55.5 + 3.6 * depth;  // [S1], mean of both condyles
  knee.plateau_depth_mm = male ? 52 + 3.2 * depth : 47 + 4.0 * depth;    // [S4]
  knee.shaft_depth_mm = 0.42 * knee.femur_width_mm * (1 + 0.06 * stream.truncated_normal(0, 1));
  knee.notch_width_mm = 0.245 * knee.femur_width_mm * (1 + 0.10 * stream.truncated_normal(0, 1));
  // Real crops put the apex some 31 px above the joint line, 12-14 mm above the condyles (flexed view).
  knee.notch_height_mm = 0.168 * knee.femur_width_mm * (1 + 0.14 * stream.truncated_normal(0, 1));
  knee.epicondyle_prominence = 1 + 0.25 * stream.truncated_normal(0, 1);
  knee.medial_concavity_mm = std::max(0.4, stream.truncated_normal(male ? 2.0 : 1.8, 0.7));
  knee.lateral_concavity_mm = std::max(-0.4, stream.truncated_normal(0.7, 0.5));
  knee.medial_spine_height_mm = stream.truncated_normal(male ? 7.0 : 6.2, 1.7);
  knee.lateral_spine_height_mm = stream.truncated_normal(male ? 6.2 : 5.6, 1.3);
  knee.spine_separation_mm = stream.truncated_normal(11, 1.8);
  knee.spine_tip_angle_deg = stream.truncated_normal(104, 12);
  knee.patella_width_mm = stream.truncated_normal(male ? 45.3 : 40.8, 3.0);
  knee.patella_height_mm = stream.truncated_normal(male ? 40 : 36, 3.0);
  knee.patella_thickness_mm = stream.truncated_normal(22.4, 2.0);
  knee.fibula_head_width_mm = stream.truncated_normal(male ? 25 : 22, 2.2);
  knee.fibula_lateral_mm = stream.truncated_normal(7.5, 4.0);
  knee.fibula_tip_mm = stream.truncated_normal(male ? 16 : 14.5, 4.0);
}

void sample_density(KneeAnatomy& knee, RandomStream& stream) {
  // Post-menopausal loss: cortex x 0.85 for women above 65 (spec 1.2).
  const bool thin = knee.sex == Sex::kFemale && knee.age_years > 65;
  knee.cortex_scale = (thin ? 0.85 : 1.0) * (1 + 0.15 * stream.truncated_normal(0, 1));
  const double bone = stream.truncated_normal(0, 1) - (thin ? 0.4 : 0.0);
  knee.bvtv_femur = std::max(0.09, 0.20 + 0.045 * correlated(stream, bone, 0.8));
  knee.bvtv_metaphysis = std::max(0.04, 0.10 + 0.03 * correlated(stream, bone, 0.8));
  knee.bvtv_tibia_medial = std::max(0.10, 0.22 + 0.045 * correlated(stream, bone, 0.8));
  knee.bvtv_tibia_lateral = std::max(0.08, 0.17 + 0.045 * correlated(stream, bone, 0.8));
}

void sample_soft_tissue(KneeAnatomy& knee, RandomStream& stream) {
  const double excess = knee.bmi - 27;
  knee.soft_thickness_mm = std::clamp(stream.truncated_normal(120 + 1.2 * excess, 11), 80.0, 190.0);
  knee.skin_margin_medial_mm = std::clamp(stream.truncated_normal(15 + 0.5 * excess, 5), 4.0, 40.0);
  knee.skin_margin_lateral_mm = std::clamp(stream.truncated_normal(11 + 0.4 * excess, 4), 4.0, 40.0);
  knee.fat_share = std::clamp(stream.truncated_normal(0.20 + 0.008 * excess, 0.05), 0.06, 0.45);
}

}  // namespace

void PopulationConfig::list_fields(FieldList& fields) {
  fields.add("female_share", female_share, Range{0.0, 1.0}, "share of women");
  fields.add("right_share", right_share, Range{0.0, 1.0}, "share of right knees");
  fields.add("age_mean_years", age_mean_years, Range{20.0, 100.0}, "mean age");
  fields.add("age_sd_years", age_sd_years, Range{0.0, 30.0}, "standard deviation of age; limits 45 and 79 years");
  fields.add("bmi_mean", bmi_mean, Range{15.0, 50.0}, "mean body mass index, kg/m2");
  fields.add("bmi_sd", bmi_sd, Range{0.0, 15.0}, "standard deviation of body mass index");
  fields.add("joint_space_scale", joint_space_scale, Range{0.5, 1.5}, "factor on every joint space width");
  fields.add("side_cortex_mm", side_cortex_mm, Range{0.0, 20.0},
             "cortical bone along the beam that grazes the bones' sides, added to their shells; 0 = none");
  fields.add("habitus", habitus, Range{-1.0, 1.0}, Range{0, 100},
             "100 weights of the mean soft tissue's departure from the model leg, by calibrate; empty is none");
}

KneeAnatomy sample_anatomy(const PopulationConfig& population, RandomStream& stream) {
  KneeAnatomy knee;
  knee.sex = stream.bernoulli(population.female_share) ? Sex::kFemale : Sex::kMale;
  knee.side = stream.bernoulli(population.right_share) ? KneeSide::kRight : KneeSide::kLeft;
  knee.age_years = std::clamp(stream.normal(population.age_mean_years, population.age_sd_years), 45.0, 79.0);
  knee.bmi = std::clamp(stream.normal(population.bmi_mean, population.bmi_sd), 17.0, 48.0);
  sample_bones(knee, stream);
  sample_density(knee, stream);
  sample_soft_tissue(knee, stream);

  const bool male = knee.sex == Sex::kMale;
  knee.arithmetic_hka_deg = stream.truncated_normal(male ? -1.4 : -0.3, 2.4);
  // Normal minima, medial against lateral correlated 0.6 (spec 2.2).
  const double space = stream.truncated_normal(0, 1);
  knee.normal_jsw_medial_mm = population.joint_space_scale * (male ? 5.5 + 0.8 * space : 4.7 + 0.7 * space);
  const double lateral = correlated(stream, space, 0.6);
  knee.normal_jsw_lateral_mm = population.joint_space_scale * (male ? 7.0 + 1.0 * lateral : 5.9 + 0.9 * lateral);
  for (double& weight : knee.thickness_waves) weight = stream.truncated_normal(0, 1);
  for (double& deviation : knee.shape_deviation) deviation = stream.truncated_normal(0, 1);
  // Last, so that it moves no other draw.
  if (population.side_cortex_mm > 0) {
    knee.side_cortex_mm = knee.cortex_scale * stream.log_normal(population.side_cortex_mm, 0.35);
  }
  return knee;
}

}  // namespace genu::generator
