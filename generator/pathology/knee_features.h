// What disease has done to one knee: the features that a reader grades, in millimetres and OARSI grades.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "core/kl_grade.h"

namespace genu::generator {

enum class Compartment { kMedial, kLateral };
enum class Bone { kFemur, kTibia };

// Sites in the order of the manifest: femur medial, femur lateral, tibia medial, tibia lateral.
enum class OsteophyteSite : std::size_t { kFemurMedial, kFemurLateral, kTibiaMedial, kTibiaLateral };
inline constexpr std::size_t kOsteophyteSiteCount = 4;
// "fm", "fl", "tm", "tl".
inline constexpr std::array<const char*, kOsteophyteSiteCount> kOsteophyteSiteNames = {"fm", "fl", "tm", "tl"};

struct Osteophyte {
  int oarsi_grade = 0;       // 0..3; a doubtful lip may be read as 0
  double protrusion_mm = 0;  // beyond the original contour; 0 is none
  double base_height_mm = 0;
  double direction_deg =
      0;  // from horizontal; positive turns away from the joint line at the femur, towards it at the tibia
  double depth_mm = 0;  // extent along the beam
  bool operator==(const Osteophyte&) const = default;
};

struct CompartmentState {
  int jsn = 0;               // joint space narrowing, OARSI 0..3
  double jsw_mm = 5;         // minimum joint space width
  double normal_jsw_mm = 5;  // the same without disease
  double wear_centre = 0.5;  // place of the minimum, 0 outer rim .. 1 inner end of the plateau
  int sclerosis = 0;         // 0..3
  double sclerosis_thickness_mm = 0;
  bool operator==(const CompartmentState&) const = default;
};

struct Cyst {
  Bone bone = Bone::kTibia;
  Compartment compartment = Compartment::kMedial;
  double diameter_mm = 4;
  double elongation = 1;       // height over width
  double centre_depth_mm = 5;  // below the articular surface
  double offset_mm = 0;        // from the wear centre, lateral positive
  double rim_mm = 0.7;
  double bvtv = 0.05;
  bool operator==(const Cyst&) const = default;
};

// A sesamoid bone behind the lateral condyle, which a fifth of knees have; no disease.
struct Fabella {
  double length_mm = 0;      // 0: none
  double elongation = 1.35;  // length over width
  double axis_deg = 85;      // of the length, from horizontal
  double x_share = 0.29;     // place: of the femur's width from its middle, laterally
  double y_mm = 17;          // above the condyles' tangent
  double contrast = 0.1;     // what its middle adds to a condyle's log attenuation, relative
  bool operator==(const Fabella&) const = default;
};

enum class LooseBodyPlace : std::size_t { kNotch, kMedialGutter, kLateralGutter, kSuprapatellar, kPosterior };
inline constexpr std::array<const char*, 5> kLooseBodyPlaceNames = {"notch", "medial_gutter", "lateral_gutter",
                                                                    "suprapatellar", "posterior"};

// A free ossicle in the joint.
struct LooseBody {
  LooseBodyPlace place = LooseBodyPlace::kNotch;
  double length_mm = 6;
  double elongation = 1.3;
  double axis_deg = 30;
  double offset_x = 0, offset_y = 0;  // within its place, -1 .. 1
  double lobe = 0.04;                 // relative departure of its outline from an ellipse, in three lobes
  double lobe_phase_deg = 0;
  bool operator==(const LooseBody&) const = default;
};

// Calcium pyrophosphate in menisci and cartilage: how much, 0 none .. 1 dense.
struct Chondrocalcinosis {
  double medial = 0;     // meniscus
  double lateral = 0;    // meniscus
  double cartilage = 0;  // of both condyles
  bool operator==(const Chondrocalcinosis&) const = default;
};

enum class HardwareKind { kNone, kStaple, kScrew, kReplacement };
// "" for none, "staple", "screw", "knee_replacement".
constexpr const char* to_string(HardwareKind kind) {
  return std::array{"", "staple", "screw", "knee_replacement"}[static_cast<std::size_t>(kind)];
}

// Metal: what there is, and what each kind would be like.
struct Hardware {
  HardwareKind kind = HardwareKind::kNone;
  Compartment staple_side = Compartment::kMedial;
  double staple_leg_mm = 17;
  double staple_width_mm = 18;
  Bone screw_bone = Bone::kTibia;
  double screw_mm = 25;
  double screw_width_mm = 8;
  double screw_deg = 66;  // from horizontal, rising laterally
  double stem_mm = 40;    // of a replaced knee's tray
  double liner_mm = 9;    // of its polyethylene
  bool operator==(const Hardware&) const = default;
};

struct KneeFeatures {
  CompartmentState medial;
  CompartmentState lateral;
  std::array<Osteophyte, kOsteophyteSiteCount> osteophytes{};
  std::vector<Cyst> cysts;
  int attrition_grade = 0;
  Compartment attrition_compartment = Compartment::kMedial;
  double attrition_depth_mm = 0;       // bone lost at the middle of the defect, most of it from the tibia
  double attrition_subsidence_mm = 0;  // how far the femur has sunk into the defect; moves the femur, not the outlines
  double spine_sharpening_deg = 0;     // taken from the tip angle
  double spine_growth_mm = 0;
  double lateral_shift_mm = 0;         // of the tibia against the femur
  double plate_irregularity_mm = 0.1;  // RMS of the subchondral plates
  double notch_narrowing_mm = 0;
  // The femur stands where it stood before the disease, and only its condyles follow the joint space: a constitution
  // that makes up for the narrowing (DiseaseConfig::moves_femur).
  bool femur_stays = false;
  Fabella fabella;
  std::vector<LooseBody> loose_bodies;
  Chondrocalcinosis chondrocalcinosis;
  Hardware hardware;

  CompartmentState& at(Compartment side) { return side == Compartment::kMedial ? medial : lateral; }
  const CompartmentState& at(Compartment side) const { return side == Compartment::kMedial ? medial : lateral; }
  Osteophyte& at(OsteophyteSite site) { return osteophytes[static_cast<std::size_t>(site)]; }
  const Osteophyte& at(OsteophyteSite site) const { return osteophytes[static_cast<std::size_t>(site)]; }
  bool operator==(const KneeFeatures&) const = default;
};

// A lip of this protrusion is definite (spec 3.3: doubtful 0.4-1.0 mm, grade 1 from 1.0 mm).
inline constexpr double kDefiniteOsteophyteMm = 1.0;
inline constexpr double kDoubtfulOsteophyteMm = 0.3;
// Below this share of its own normal width a joint space is narrowed to the eye even without other signs.
inline constexpr double kEvidentNarrowing = 0.85;

// The Kellgren-Lawrence rule (spec 3.5), from features alone:
//   4  narrowing 3 in a compartment;
//   3  narrowing 2 in a compartment;
//   2  a definite osteophyte;
//   1  a doubtful lip, or narrowing 1 that is evident (width below 0.85 of normal);
//   0  none of these (a reading of narrowing 1 in a constitutionally narrow joint is allowed).
KlGrade derive_kl_grade(const KneeFeatures& features);

}  // namespace genu::generator
