// The learning rate over a run, as a factor of its peak. A pure function of the step, so a resumed run needs no state.
#pragma once

#include <cstdint>

#include "core/config.h"

namespace genu::train {

enum class ScheduleKind : std::uint8_t { kConstant, kCosine };

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::kCosine;
  double warmup_fraction = 0.0;
  double warmup_start = 0.04;
  double final_factor = 0.0;
  void list_fields(FieldList& fields);
  bool operator==(const ScheduleConfig&) const = default;
};

// Factor of the peak rate, 0 .. 1, at `step` (from 0) of `total_steps`: linear from warmup_start to 1 over the first
// warmup_fraction, then constant, or half a cosine wave down to final_factor (Loshchilov and Hutter, ICLR 2017).
// Requires step < total_steps.
double learning_rate_factor(const ScheduleConfig& config, std::uint64_t step, std::uint64_t total_steps);

}  // namespace genu::train
