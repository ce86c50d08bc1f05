// The healthy knee, in millimetres: what bone and soft tissue would be without disease.
//
// Means, spreads and correlations follow spec section 1 (sources named at each draw in the .cpp).
#pragma once

#include <array>
#include <vector>

#include "core/config.h"
#include "core/kl_grade.h"
#include "core/random.h"

namespace genu::generator {

enum class Sex { kFemale, kMale };

struct PopulationConfig {
  double female_share = 0.58;  // Osteoarthritis Initiative cohort
  double right_share = 0.5;
  double age_mean_years = 61.2;
  double age_sd_years = 9.2;
  double bmi_mean = 28.6;
  double bmi_sd = 4.8;
  // Multiplies every knee's joint space. 1 is the published millimetres (Beattie 2008); films measure their own.
  double joint_space_scale = 1;
  // Cortical bone along the beam where it grazes the free sides of femur and tibia, beyond what the shells give: median
  // of a log-normal (sigma 0.35), for the femur; half of it for the tibia. 0 is none.
  double side_cortex_mm = 0;
  // Weights of the mean soft tissue's departure from the model leg (generator/projection/habitus.h); empty is none.
  std::vector<double> habitus;
  void list_fields(FieldList& fields);
};

// All lengths are object-plane millimetres; x runs laterally, y proximally.
struct KneeAnatomy {
  Sex sex = Sex::kFemale;
  KneeSide side = KneeSide::kLeft;
  double age_years = 60;
  double bmi = 28;

  double femur_width_mm = 80;    // epicondylar
  double tibia_width_mm = 75;    // at the plateau
  double condyle_depth_mm = 59;  // antero-posterior, along the beam
  double plateau_depth_mm = 50;
  double shaft_depth_mm = 34;
  double notch_width_mm = 19;        // at half height
  double notch_height_mm = 12;       // of the visible arch above the condylar tangent
  double epicondyle_prominence = 1;  // 1 is the mean shape
  double medial_concavity_mm = 1.9;  // sag of the plateau below its rim line
  double lateral_concavity_mm = 0.7;
  double medial_spine_height_mm = 9;
  double lateral_spine_height_mm = 7;
  double spine_separation_mm = 11;
  double spine_tip_angle_deg = 104;
  double patella_width_mm = 44;
  double patella_height_mm = 38;
  double patella_thickness_mm = 22;
  double fibula_head_width_mm = 24;
  double fibula_lateral_mm = 6;  // head centre beyond the tibial lateral cortex
  double fibula_tip_mm = 11;     // styloid tip below the tibial rim

  double cortex_scale = 1;    // multiplies every cortical thickness
  double side_cortex_mm = 0;  // along the beam, at the sides of the metaphysis
  double bvtv_femur = 0.20;   // trabecular bone volume fraction
  double bvtv_metaphysis = 0.10;
  double bvtv_tibia_medial = 0.22;
  double bvtv_tibia_lateral = 0.17;

  double arithmetic_hka_deg = -0.8;  // constitutional, negative is varus
  double normal_jsw_medial_mm = 5;   // minimum joint space width of this knee without disease
  double normal_jsw_lateral_mm = 6.3;

  double soft_thickness_mm = 120;     // antero-posterior at the joint
  double skin_margin_medial_mm = 14;  // skin beyond the bone
  double skin_margin_lateral_mm = 12;
  double fat_share = 0.22;  // of the half-width that is subcutaneous fat

  // Smooth variation of the leg's thickness over the picture: weights of a 5 x 5 cosine basis, standard normal each,
  // scaled by falling spread in projection (muscle, fat folds, effusion: no two legs are the same ellipse).
  std::array<double, 25> thickness_waves{};

  // Smooth deviations of the outlines from the mean shape, standard normal each.
  std::array<double, 24> shape_deviation{};
  bool operator==(const KneeAnatomy&) const = default;
};

KneeAnatomy sample_anatomy(const PopulationConfig& population, RandomStream& stream);

}  // namespace genu::generator
