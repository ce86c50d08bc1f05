// The knee as contours in millimetres, with the joint space built to its minima.
//
// Knee coordinates: origin midway along the tibial rim line, x lateral, y proximal. The tibia is fixed in them; the
// femur is placed by a rigid motion that makes the least distance of the articular contours equal to the joint space
// width of each compartment.
#pragma once

#include <vector>

#include "generator/anatomy/knee_anatomy.h"
#include "generator/geometry/contour.h"
#include "generator/geometry/positioning.h"
#include "generator/pathology/knee_features.h"

namespace genu::generator {

struct OsteophyteShape {
  OsteophyteSite site = OsteophyteSite::kFemurMedial;
  Contour outline_mm;
  double depth_mm = 15;
};

struct CystShape {
  Cyst cyst;
  PointMm centre_mm;
  double radius_x_mm = 2;
  double radius_y_mm = 2;
};

// Denser bone under a wear centre: full at the plate, fading with depth and to the sides.
struct SclerosisShape {
  Bone bone = Bone::kTibia;
  Compartment compartment = Compartment::kMedial;
  PointMm surface_mm;  // point of the articular surface over the middle of the zone
  double half_width_mm = 16;
  double thickness_mm = 4;
  double bvtv_gain = 1.4;  // at the plate
};

// A thin line of cortical bone that the outlines do not carry: scar, notch wall, plateau rim.
struct BoneLine {
  Contour line_mm;
  double width_mm = 0.8;
  double path_mm = 5;  // extra cortical bone along the beam at its middle
};

enum class CalcifiedBodyKind { kFabella, kLooseBody };

// An ovoid of bone beside the joint's own.
struct CalcifiedBody {
  CalcifiedBodyKind kind = CalcifiedBodyKind::kFabella;
  const char* place = "";
  PointMm centre_mm;
  double radius_long_mm = 4;
  double radius_short_mm = 3;
  double axis_rad = 0;  // of the long radius, from x
  double lobe = 0;
  double lobe_phase_rad = 0;
  double bone_mm = 4;         // path at its middle
  double shell_share = 0.25;  // of the bone that lies in its shell
  Contour outline_mm;
};
// Reach of its outline at an angle from the long radius, relative to the ellipse's.
double lobed_radius(const CalcifiedBody& body, double angle_rad);

struct CalcifiedGrain {
  PointMm at_mm;
  double radius_mm = 0.25;
  double path_mm = 1;  // of bone, at its middle
};

// Grains that belong together: a meniscus, or a line through a condyle's cartilage.
struct CalcificationShape {
  const char* place = "";
  Contour outline_mm;  // closed, around what may be calcified
  std::vector<CalcifiedGrain> grains;
};

// A piece of metal, as deep at a distance from its edge as rounded_depth_mm() says.
struct MetalShape {
  const char* place = "";
  Contour outline_mm;  // closed
  double depth_mm = 5;
  double round_mm = 2;
};

struct JointMeasure {
  double jsw_medial_mm = 0;  // least distance of the contours, measured after placing
  double jsw_lateral_mm = 0;
};

struct KneeGeometry {
  Contour femur_mm;  // closed
  Contour tibia_mm;
  Contour fibula_mm;
  Contour patella_mm;
  // The same two bones without lesions (attrition, sharpened spines, narrowed notch), in the same place.
  Contour femur_reference_mm;
  Contour tibia_reference_mm;
  Contour femur_articular_mm;  // open, ascending x, notch included
  Contour tibia_articular_mm;  // open, ascending x, spines included
  double inner_edge_mm = 12;   // |x| where the plateaus end and the eminence begins
  std::vector<OsteophyteShape> osteophytes;
  std::vector<CystShape> cysts;
  std::vector<SclerosisShape> sclerosis;
  std::vector<CalcifiedBody> calcified_bodies;
  std::vector<CalcificationShape> calcifications;
  std::vector<MetalShape> metal;
  std::vector<BoneLine> lines;
  RigidMotion knee_from_femur;
  JointMeasure measured;
  double rim_separation_mm = 0;
  double hka_deg = 0;  // negative is varus
};

KneeGeometry build_geometry(const KneeAnatomy& anatomy, const KneeFeatures& features, const Positioning& positioning,
                            RandomStream& stream);

// Least distance between the articular contours over one compartment's plateau, mm; negative is overlap.
double measure_jsw_mm(const KneeGeometry& geometry, Compartment side);

}  // namespace genu::generator
