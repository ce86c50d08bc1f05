#include "generator/pathology/calcification.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace genu::generator {

namespace {

// Linear between the knots of two tables of one length, held at the ends.
double between(const std::vector<double>& at, const std::vector<double>& values, double x) {
  if (!(x > at.front())) return values.front();
  for (std::size_t i = 1; i < at.size(); ++i) {
    if (x <= at[i]) return values[i - 1] + (values[i] - values[i - 1]) * (x - at[i - 1]) / (at[i] - at[i - 1]);
  }
  return values.back();
}

// Of a population of this age, with osteoarthritis (KL >= 2 in three of ten knees beyond 60 years).
constexpr double kOsteoarthriticShare = 0.3;

}  // namespace

Fabella sample_fabella(const DiseaseConfig& config, KlGrade grade, RandomStream& stream) {
  const bool present = stream.bernoulli(config.fabella.at(static_cast<std::size_t>(grade.value())));
  Fabella fabella;
  const double length = stream.truncated_normal(8, 1.6, 1.9);  // 5-12 mm
  if (present) fabella.length_mm = length;
  fabella.elongation = stream.uniform(1.15, 1.6);
  fabella.axis_deg = stream.truncated_normal(85, 18);
  fabella.x_share = stream.truncated_normal(0.29, 0.035);
  fabella.y_mm = stream.uniform(10, 25);
  fabella.contrast = stream.uniform(0.08, 0.12);
  return fabella;
}

std::vector<LooseBody> sample_loose_bodies(const DiseaseConfig& config, KlGrade grade, RandomStream& stream) {
  if (!stream.bernoulli(config.loose_body.at(static_cast<std::size_t>(grade.value())))) return {};
  std::vector<LooseBody> bodies(static_cast<std::size_t>(std::min(4, 1 + stream.poisson(0.5))));
  for (LooseBody& body : bodies) {
    body.place = static_cast<LooseBodyPlace>(stream.categorical(std::array{0.35, 0.15, 0.15, 0.15, 0.20}));
    body.length_mm = std::clamp(stream.log_normal(5.5, 0.35), 3.0, 10.0);
    body.elongation = stream.uniform(1.05, 1.7);
    body.axis_deg = stream.uniform(0, 180);
    body.offset_x = stream.uniform(-1, 1);
    body.offset_y = stream.uniform(-1, 1);
    body.lobe = stream.uniform(0, 0.08);
    body.lobe_phase_deg = stream.uniform(0, 360);
  }
  return bodies;
}

double chondrocalcinosis_share(const DiseaseConfig& config, double age_years, KlGrade grade) {
  const double population = between(config.chondrocalcinosis_age_years, config.chondrocalcinosis_share, age_years);
  if (!(population < 1)) return 1;
  const double ratio = config.chondrocalcinosis_odds_ratio;
  const double without = population / (1 - population) / (1 - kOsteoarthriticShare + kOsteoarthriticShare * ratio);
  const double odds = grade.value() >= 2 ? ratio * without : without;
  return odds / (1 + odds);
}

Chondrocalcinosis sample_chondrocalcinosis(const DiseaseConfig& config, double age_years, KlGrade grade,
                                           RandomStream& stream) {
  const bool present = stream.bernoulli(chondrocalcinosis_share(config, age_years, grade));
  // Lateral before medial meniscus; some 45 % show the condyles' cartilage as well.
  const bool lateral = stream.bernoulli(0.9);
  const bool medial = stream.bernoulli(0.6) || !lateral;
  const double lateral_amount = stream.uniform(0.3, 1), medial_amount = stream.uniform(0.3, 1);
  const bool cartilage = stream.bernoulli(0.45);
  const double cartilage_amount = stream.uniform(0.3, 1);
  Chondrocalcinosis signs;
  if (present && lateral) signs.lateral = lateral_amount;
  if (present && medial) signs.medial = medial_amount;
  if (present && cartilage) signs.cartilage = cartilage_amount;
  return signs;
}

}  // namespace genu::generator
