// The learning rate over a phase of training, as a factor of its peak. A pure function of the step and of the scores so
// far, both of which a checkpoint holds, so a resumed run needs no state.
#pragma once

#include <cstdint>
#include <span>

#include "core/config.h"

namespace genu::train {

enum class ScheduleKind : std::uint8_t { kConstant, kCosine, kOneCycle, kStep, kPlateau };

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::kCosine;
  double warmup_fraction = 0.0;
  double warmup_start = 0.04;
  double final_factor = 0.0;
  int every_epochs = 10;
  double decay = 0.1;
  int patience = 3;
  void list_fields(FieldList& fields);
  bool operator==(const ScheduleConfig&) const = default;
};

struct SchedulePosition {
  std::uint64_t step = 0;             // of the phase, from 0
  std::uint64_t total_steps = 1;      // of the phase; step < total_steps
  std::uint64_t steps_per_epoch = 1;  // > 0
};

// Factor of the peak rate, 0 .. 1: linear from warmup_start to 1 over the first warmup_fraction, then
//   constant   1
//   cosine     half a cosine wave down to final_factor (Loshchilov and Hutter, ICLR 2017)
//   step       times `decay` every `every_epochs` epochs
//   plateau    times `decay` whenever `patience` epochs have passed without a new best score
//   one_cycle  the warm-up is half a cosine wave too (Smith and Topin 2018, as PyTorch's OneCycleLR; momentum stays)
// scores: one a finished epoch of the phase, higher is better; used by plateau.
double learning_rate_factor(const ScheduleConfig& config, const SchedulePosition& position,
                            std::span<const double> scores = {});

// Epochs since the best score (the first of equals); 0 where there are none.
std::uint64_t epochs_since_best(std::span<const double> scores);

}  // namespace genu::train
