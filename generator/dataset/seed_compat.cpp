#include "generator/dataset/seed_compat.h"

namespace genu::generator {

void apply_seed_ladder(KlGrade grade, double pixel_spacing_mm, int size_px, const SampledKnee& knee,
                       RandomStream& stream) {
  const auto row = static_cast<std::size_t>(grade.value());
  const PixelRange range = kSeedLadder[row];
  const double px = stream.uniform(range.low_px, range.high_px) * size_px / 224.0;
  // Narrowing counts from the ladder's own top, so that the KL rule derives the grade that the ladder means.
  const double normal_mm = kSeedLadder[0].high_px * size_px / 224.0 * pixel_spacing_mm;
  constexpr std::array<int, kKlGradeCount> kNarrowing = {0, 1, 1, 2, 3};
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    CompartmentState& state = knee.features.at(side);
    state.normal_jsw_mm = normal_mm;
    state.jsw_mm = px * pixel_spacing_mm;
    state.jsn = kNarrowing[row];
  }
  knee.anatomy.normal_jsw_lateral_mm = knee.anatomy.normal_jsw_medial_mm;
  // Deformity of up to 4 and 9 degrees, in the shafts' angle.
  const double most_deg = grade.value() == 4 ? 9 : grade.value() == 3 ? 4 : 0;
  const double bend_deg = stream.uniform(0.4, 1.0) * most_deg;
  knee.anatomy.arithmetic_hka_deg += stream.bernoulli(0.75) ? -bend_deg : bend_deg;
}

}  // namespace genu::generator
