// The training loop. Everything it computes is a function of (config, batches, thread count): dropout is drawn anew
// from (seed, step), batches come by (epoch, step), so a run that is stopped at any step and resumed from its
// checkpoint goes on as if nothing had happened, bit for bit on one CPU.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "train/loop/batch_source.h"
#include "train/loop/checkpoint.h"
#include "train/loop/grader_config.h"
#include "train/loop/run_folder.h"
#include "train/loop/train_config.h"

namespace genu::train {

class Ranks;

struct FitInputs {
  BatchSource& training;
  BatchSource* validation = nullptr;  // none: the last checkpoint is the best
  GraderConfig grader;                // stored in every checkpoint
  Ranks* ranks = nullptr;             // with which this process steps together; the sources must be theirs
};

// What may end a run early. Asked after every step.
using StopRequest = std::function<bool(std::uint64_t steps_done)>;

struct FitOutcome {
  std::uint64_t epochs_done = 0;
  std::uint64_t steps_done = 0;
  std::optional<EpochRow::Validation> best;  // of the best epoch by validation.metric
  std::uint64_t best_epoch = 0;              // from 1
  bool finished = false;                     // false: stopped on request, can be resumed
  double samples_per_second = 0;             // training steps of this call, loading included
};

enum class RunMode : std::uint8_t {
  kFresh,   // the run folder must hold no checkpoint
  kResume,  // goes on from the last checkpoint; starts if there is none
};

// With ranks, gradients are averaged over all samples of a step and rank 0 alone writes; each rank asks `stop`, and all
// stop if one is told to.
// Throws UsageError on a used folder (kFresh) or another config or number of ranks (kResume), DataError on damaged
// weights or a loss that is not finite, IoError where the folder cannot be written.
FitOutcome fit(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder, RunMode mode,
               const StopRequest& stop);

}  // namespace genu::train
