// Bone and mineral that lie beside the joint's own surfaces: fabella, loose bodies, calcified menisci and cartilage
// (spec 3.4, 7). Each draws from a stream of its own; none enters the KL rule.
#pragma once

#include "core/kl_grade.h"
#include "core/random.h"
#include "generator/pathology/disease.h"

namespace genu::generator {

Fabella sample_fabella(const DiseaseConfig& config, KlGrade grade, RandomStream& stream);
std::vector<LooseBody> sample_loose_bodies(const DiseaseConfig& config, KlGrade grade, RandomStream& stream);
Chondrocalcinosis sample_chondrocalcinosis(const DiseaseConfig& config, double age_years, KlGrade grade,
                                           RandomStream& stream);

// Share of knees with chondrocalcinosis: the age's own, parted between knees with and without osteoarthritis (KL >= 2)
// by the odds ratio.
double chondrocalcinosis_share(const DiseaseConfig& config, double age_years, KlGrade grade);

}  // namespace genu::generator
