// Outlines of lesions and of thin bone lines on a placed knee. Used by knee_geometry.cpp only.
#pragma once

#include "generator/geometry/knee_geometry.h"

namespace genu::generator {

void add_osteophytes(KneeGeometry& knee, const KneeFeatures& features);
void add_cysts(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features);
void add_sclerosis(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features);
// Physeal scars, walls and roof of the intercondylar fossa, second rims of the plateaus.
void add_bone_lines(KneeGeometry& knee, const KneeAnatomy& anatomy, RandomStream& stream);

}  // namespace genu::generator
