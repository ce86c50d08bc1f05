// Outlines and grains of what is calcified beside the bones, and of metal, on a placed knee. Used by knee_geometry.cpp
// only.
#pragma once

#include "generator/geometry/knee_geometry.h"

namespace genu::generator {

void add_fabella(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features,
                 const Positioning& positioning);
void add_loose_bodies(KneeGeometry& knee, const KneeAnatomy& anatomy, const KneeFeatures& features);
// `root` addresses the grains' streams: the same grains whatever else is drawn, the first of them at a low amount.
void add_chondrocalcinosis(KneeGeometry& knee, const KneeFeatures& features, std::uint64_t root);

}  // namespace genu::generator
