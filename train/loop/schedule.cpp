#include "train/loop/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace genu::train {

namespace {

// Half a cosine wave from `from` at 0 to `to` at 1.
double half_wave(double from, double to, double share) {
  return to + 0.5 * (from - to) * (1.0 + std::cos(std::numbers::pi * share));
}

// PyTorch's OneCycleLR: the peak is reached one step before the share of the warm-up is over.
double one_cycle(const ScheduleConfig& config, double step, double total) {
  const double peak = config.warmup_fraction * total - 1.0;
  if (step <= peak && peak > 0) return half_wave(config.warmup_start, 1.0, step / peak);
  const double left = total - 1.0 - std::max(peak, 0.0);
  return left > 0 ? half_wave(1.0, config.final_factor, (step - std::max(peak, 0.0)) / left) : 1.0;
}

int plateau_reductions(std::span<const double> scores, int patience) {
  int reductions = 0, waited = 0;
  double best = -std::numeric_limits<double>::infinity();
  for (const double score : scores) {
    waited = score > best ? 0 : waited + 1;
    best = std::max(best, score);
    if (waited < patience) continue;
    ++reductions;
    waited = 0;
  }
  return reductions;
}

}  // namespace

void ScheduleConfig::list_fields(FieldList& fields) {
  fields.choice("kind", kind,
                {{"constant", ScheduleKind::kConstant},
                 {"cosine", ScheduleKind::kCosine},
                 {"one_cycle", ScheduleKind::kOneCycle},
                 {"step", ScheduleKind::kStep},
                 {"plateau", ScheduleKind::kPlateau}},
                "after the warm-up");
  fields.add("warmup_fraction", warmup_fraction, Range{0.0, 1.0}, "share of the phase with a rising rate");
  fields.add("warmup_start", warmup_start, Range{0.0, 1.0}, "factor of the peak rate at the first step");
  fields.add("final_factor", final_factor, Range{0.0, 1.0}, "factor of the peak rate that cosine and one_cycle end at");
  fields.add("every_epochs", every_epochs, Range{1, 1000000}, "step: epochs between two falls");
  fields.add("decay", decay, Range{0.0, 1.0}, "step, plateau: factor of each fall");
  fields.add("patience", patience, Range{1, 1000000}, "plateau: epochs without a new best score before a fall");
}

double learning_rate_factor(const ScheduleConfig& config, const SchedulePosition& position,
                            std::span<const double> scores) {
  const double step = static_cast<double>(position.step);
  const double total = static_cast<double>(position.total_steps);
  if (config.kind == ScheduleKind::kOneCycle) return one_cycle(config, step, total);
  const double warmup = config.warmup_fraction * total;
  if (step < warmup) return config.warmup_start + (1.0 - config.warmup_start) * step / warmup;
  switch (config.kind) {
    case ScheduleKind::kCosine:
      return half_wave(1.0, config.final_factor, (step - warmup) / (total - warmup));
    case ScheduleKind::kStep: {
      const std::uint64_t epoch = position.step / position.steps_per_epoch;
      return std::pow(config.decay, static_cast<double>(epoch / static_cast<std::uint64_t>(config.every_epochs)));
    }
    case ScheduleKind::kPlateau:
      return std::pow(config.decay, plateau_reductions(scores, config.patience));
    default:
      return 1.0;
  }
}

std::uint64_t epochs_since_best(std::span<const double> scores) {
  if (scores.empty()) return 0;
  const auto best = std::max_element(scores.begin(), scores.end());
  return static_cast<std::uint64_t>(scores.end() - best - 1);
}

}  // namespace genu::train
