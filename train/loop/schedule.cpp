#include "train/loop/schedule.h"

#include <cmath>
#include <numbers>

namespace genu::train {

void ScheduleConfig::list_fields(FieldList& fields) {
  fields.choice("kind", kind, {{"constant", ScheduleKind::kConstant}, {"cosine", ScheduleKind::kCosine}},
                "after the warm-up");
  fields.add("warmup_fraction", warmup_fraction, Range{0.0, 1.0}, "share of the run with a rising rate");
  fields.add("warmup_start", warmup_start, Range{0.0, 1.0}, "factor of the peak rate at the first step");
  fields.add("final_factor", final_factor, Range{0.0, 1.0}, "factor of the peak rate that the cosine ends at");
}

double learning_rate_factor(const ScheduleConfig& config, std::uint64_t step, std::uint64_t total_steps) {
  const double position = static_cast<double>(step);
  const double total = static_cast<double>(total_steps);
  const double warmup = config.warmup_fraction * total;
  if (position < warmup) return config.warmup_start + (1.0 - config.warmup_start) * position / warmup;
  if (config.kind == ScheduleKind::kConstant) return 1.0;
  const double progress = (position - warmup) / (total - warmup);
  return config.final_factor + (1.0 - config.final_factor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace genu::train
