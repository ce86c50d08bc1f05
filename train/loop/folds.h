// Folds of a set of shards: stratified by grade, grouped by subject.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/loader/shard_set.h"
#include "train/loop/train_config.h"

namespace genu::train {

struct FoldPlan {
  int folds = 10;                                                                        // >= 2
  std::vector<pipeline::Split> pool = {pipeline::Split::kTrain, pipeline::Split::kVal};  // whose samples take part
  std::uint64_t seed = 0;
};

// Indices into the shards, each list in stored order. No subject is in two of them.
struct Fold {
  std::vector<std::size_t> training;
  std::vector<std::size_t> validation;  // empty with validation.split: none
  std::vector<std::size_t> held_out;    // what the fold is judged on
  bool operator==(const Fold&) const = default;
};

// Originals that validation.source names are parted into folds; each fold is held out once. Where there are real and
// synthetic ones, only the real are parted, and the synthetic train in every fold: a synthetic knee never judges a
// model for real ones. The next fold validates, so that no checkpoint is chosen on what is held out; with
// validation.split: none it trains too. Training takes what data.source, data.variants and data.real_subject_share
// leave, and of everything at most data.limit_samples. Throws ConfigError on validation.split: test, or fewer than 3
// folds where one validates; DataError if a fold would hold nothing out.
std::vector<Fold> make_folds(const pipeline::ShardSet& shards, const TrainConfig& config, const FoldPlan& plan);

}  // namespace genu::train
