// The training run of a random forest: what fit() does for model.name: random_forest.
#pragma once

#include "train/forest/forest.h"
#include "train/loop/fit.h"
#include "train/metrics/prediction.h"

namespace genu::train {

// Grades of each image of a source.
std::vector<Prediction> grade_source(const Forest& forest, BatchSource& source);

// One pass over the training samples in the order of the first epoch, then the forest, its checkpoint and the
// validation scores. The folder must hold no checkpoint.
FitOutcome fit_forest(const TrainConfig& config, const FitInputs& inputs, RunFolder& folder);

}  // namespace genu::train
