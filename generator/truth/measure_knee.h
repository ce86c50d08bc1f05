// What a reader would measure on the drawn knee: landmarks, joint space widths, outlines of the lesions.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "generator/geometry/knee_geometry.h"

namespace genu::generator {

// The OAI's fixed locations: share of the condylar width from the medial end (spec 2.1).
inline constexpr std::array<double, 16> kJswLocations = {0.150, 0.175, 0.200, 0.225, 0.250, 0.275, 0.300, 0.700,
                                                         0.725, 0.750, 0.775, 0.800, 0.825, 0.850, 0.875, 0.900};

// Vertical (along the limb) distance of the articular contours at each location, mm; 0 where they touch or overlap.
// The condylar width runs between the ends of the femur's articular contour.
std::array<double, kJswLocations.size()> jsw_profile_mm(const KneeGeometry& geometry);

struct Landmark {
  std::string_view name;
  PointMm at_mm;
};
// Condyles: lowest points. JSW: where the joint space is least.
inline constexpr std::array<std::string_view, 15> kLandmarkNames = {
    "medial_epicondyle", "lateral_epicondyle", "medial_condyle",    "lateral_condyle",    "notch_apex",
    "medial_tibial_rim", "lateral_tibial_rim", "medial_spine",      "lateral_spine",      "medial_jsw_femur",
    "medial_jsw_tibia",  "lateral_jsw_femur",  "lateral_jsw_tibia", "patella_lower_pole", "fibular_tip"};
// All of kLandmarkNames, in that order.
std::vector<Landmark> landmarks_of(const KneeGeometry& geometry);

enum class LesionKind { kOsteophyte, kSclerosis, kCyst, kFabella, kLooseBody, kChondrocalcinosis, kHardware };

struct LesionOutline {
  LesionKind kind = LesionKind::kOsteophyte;
  std::string_view place;  // "fm", "tl"; "femur_medial", "tibia_lateral"; "lateral_meniscus"; "notch"
  Contour outline_mm;      // closed
};
// Every lesion that has a shape of its own, in the order of the geometry. An osteophyte's outline goes on inside its
// bone; the mask shows what stands out.
std::vector<LesionOutline> lesions_of(const KneeGeometry& geometry);

}  // namespace genu::generator
