// Samples the features of a knee of a wanted KL grade (spec sections 2 and 3).
#pragma once

#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"
#include "core/random.h"
#include "generator/anatomy/knee_anatomy.h"
#include "generator/pathology/knee_features.h"

namespace genu::generator {

using Table = std::vector<std::vector<double>>;

struct DiseaseConfig {
  // P(compartment | KL): medial, lateral, both. Rows KL 3, 4 (spec 2.3).
  Table compartment_share = {{0.76, 0.20, 0.04}, {0.68, 0.27, 0.05}};
  double lateral_share_women = 0.06;  // added to lateral, taken from medial

  // P(OARSI grade 0..3 | KL), rows KL 0..4 (spec 3.2).
  Table osteophyte_fm = {
      {1, 0, 0, 0}, {.85, .15, 0, 0}, {.50, .30, .11, .09}, {.22, .26, .18, .34}, {.08, .19, .20, .53}};
  Table osteophyte_fl = {
      {1, 0, 0, 0}, {.88, .12, 0, 0}, {.56, .32, .07, .05}, {.37, .30, .16, .17}, {.22, .16, .29, .33}};
  Table osteophyte_tm = {
      {1, 0, 0, 0}, {.60, .40, 0, 0}, {.25, .65, .08, .02}, {.14, .46, .24, .16}, {.10, .30, .22, .38}};
  Table osteophyte_tl = {
      {1, 0, 0, 0}, {.85, .15, 0, 0}, {.60, .32, .045, .035}, {.38, .36, .11, .15}, {.22, .25, .19, .34}};
  Table jsn_medial = {{.90, .10, 0, 0}, {.62, .38, 0, 0}, {.49, .51, 0, 0}, {.19, .03, .78, 0}, {.25, .03, .03, .69}};
  Table jsn_lateral = {
      {.99, .01, 0, 0}, {.95, .05, 0, 0}, {.91, .09, 0, 0}, {.745, .04, .215, 0}, {.60, .05, .04, .31}};

  // Copula of the four sites: what a knee shares, and what a compartment shares.
  double osteophyte_knee_factor = 0.30;
  double osteophyte_compartment_factor = 0.25;
  double atrophic_share = 0.015;  // KL 3-4 knees allowed to have no osteophyte

  // P(feature | KL 0..4) (spec 3.4).
  std::vector<double> sclerosis = {0.01, 0.05, 0.20, 0.65, 0.92};
  std::vector<double> cyst = {0.003, 0.01, 0.04, 0.14, 0.33};
  std::vector<double> attrition = {0.005, 0.01, 0.03, 0.18, 0.62};
  std::vector<double> spine_sharpening = {0.08, 0.20, 0.35, 0.55, 0.70};
  // Spec 7: 0.15-0.20 of a US cohort, rising with KL [S35b].
  std::vector<double> fabella = {0.15, 0.16, 0.17, 0.19, 0.20};
  std::vector<double> loose_body = {0, 0.005, 0.01, 0.03, 0.06};
  // Share of a population by age [S35: 5-7 % at 60-64, 15 % at 65-74, 44 % beyond 84], and the odds ratio of
  // osteoarthritis.
  std::vector<double> chondrocalcinosis_age_years = {45, 62, 69.5, 87};
  std::vector<double> chondrocalcinosis_share = {0.01, 0.057, 0.15, 0.44};
  double chondrocalcinosis_odds_ratio = 2.0;
  double hardware_share = 0.01;    // staple or screw, spec 7
  double replacement_share = 0.0;  // total knee replacements: outside every graded distribution
  // Whether the joint line's convergence turns, sinks and shifts the femur, as it does in patients. Without it
  // alignment is the constitution's alone, and nothing outside the joint tells the grade.
  bool moves_femur = true;
  double size_scale = 1.0;  // multiplies every osteophyte's protrusion above the definite limit

  void list_fields(FieldList& fields);
};

// Draws features until the rule derives `target` from them. Throws ConfigError if the tables make that grade
// unreachable.
KneeFeatures sample_features(const DiseaseConfig& config, const KneeAnatomy& anatomy, KlGrade target,
                             RandomStream& stream);

// How closely the simulated reader follows the truth (spec 4.2).
enum class ReaderLevel { kPerfect, kAdjudicated, kExperienced, kMixed };

// The grade a reader of this level records for a knee of this true grade: one draw from the level's confusion row.
KlGrade simulate_reading(KlGrade truth, ReaderLevel level, RandomStream& stream);

}  // namespace genu::generator
