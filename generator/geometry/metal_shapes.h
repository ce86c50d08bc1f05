// Outlines of metal in a placed knee. Used by knee_geometry.cpp only.
#pragma once

#include "generator/geometry/knee_geometry.h"

namespace genu::generator {

// A staple, a screw, or the parts of a total knee replacement.
void add_hardware(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features);

// The bones as a surgeon leaves them for the parts of a replacement, and the femur straight above the tibia, the
// liner's thickness off the tray. Before anything is drawn on the bones.
void resect_for_replacement(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features);

}  // namespace genu::generator
