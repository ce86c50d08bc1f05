// Mean outlines of the bones and how one knee departs from them. Used by knee_geometry.cpp only.
#pragma once

#include "generator/geometry/knee_geometry.h"

namespace genu::generator {

// Femur in its own frame: y = 0 is the tangent of the condyles. Open at the top of the shaft; clockwise from the medial
// shaft over the condyles to the lateral shaft. `first_articular` and `last_articular` bound the distal part.
struct FemurOutline {
  Contour outline_mm;
  Contour articular_mm;  // ascending x
};
FemurOutline femur_outline(const KneeAnatomy& anatomy, const KneeFeatures& features);

// How much of the eminence is left where it would meet the notch: the hill reaches into the plateaus, the spines do
// not.
struct EminenceScale {
  double hill = 1;
  double spines = 1;
};

// Articular surface and outline of the tibia.
Contour tibia_surface(const KneeAnatomy& anatomy, const KneeFeatures& features, const EminenceScale& scale,
                      RandomStream roughness);
Contour tibia_outline(const KneeAnatomy& anatomy, const Contour& surface_mm);

Contour fibula_outline(const KneeAnatomy& anatomy, const Positioning& positioning);
Contour patella_outline(const KneeAnatomy& anatomy, const Positioning& positioning);

// Place of a wear centre on the tibia, x in knee coordinates.
double wear_centre_x_mm(const KneeAnatomy& anatomy, const KneeFeatures& features, Compartment side);

// |x| of the inner end of both plateaus.
double plateau_inner_edge_mm(const KneeAnatomy& anatomy);

}  // namespace genu::generator
