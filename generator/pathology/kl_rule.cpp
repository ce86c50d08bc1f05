#include <algorithm>

#include "generator/pathology/knee_features.h"

namespace genu::generator {

KlGrade derive_kl_grade(const KneeFeatures& features) {
  const int narrowing = std::max(features.medial.jsn, features.lateral.jsn);
  if (narrowing >= 3) return KlGrade(4);
  if (narrowing == 2) return KlGrade(3);

  double largest_lip_mm = 0;
  for (const Osteophyte& osteophyte : features.osteophytes) {
    largest_lip_mm = std::max(largest_lip_mm, osteophyte.protrusion_mm);
  }
  if (largest_lip_mm >= kDefiniteOsteophyteMm) return KlGrade(2);

  const auto narrowed = [](const CompartmentState& state) {
    return state.jsn >= 1 && state.jsw_mm < kEvidentNarrowing * state.normal_jsw_mm;
  };
  if (largest_lip_mm >= kDoubtfulOsteophyteMm || narrowed(features.medial) || narrowed(features.lateral)) {
    return KlGrade(1);
  }
  return KlGrade(0);
}

}  // namespace genu::generator
