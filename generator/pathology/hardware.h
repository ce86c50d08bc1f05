// Metal in or around a knee (spec 7). Draws from a stream of its own and does not enter the KL rule.
#pragma once

#include "core/random.h"
#include "generator/pathology/disease.h"

namespace genu::generator {

Hardware sample_hardware(const DiseaseConfig& config, RandomStream& stream);

// A replaced joint has no joint space but its liner, and none of the disease it was replaced for.
void replace_joint(KneeFeatures& features);

}  // namespace genu::generator
