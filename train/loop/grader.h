// A trained checkpoint, ready to grade.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "pipeline/loader/tensor_format.h"
#include "train/loop/batch_source.h"
#include "train/loop/grader_config.h"
#include "train/loop/train_config.h"
#include "train/metrics/prediction.h"

namespace genu::train {

class GraderModel;
struct GradingOptions;

// Not thread-safe.
class Grader {
 public:
  // `path` is a checkpoint folder or a run's folder (its best). Throws IoError, DataError.
  static Grader load(const std::filesystem::path& path);

  const std::filesystem::path& folder() const { return folder_; }
  const GraderConfig& config() const { return config_; }

  // Probabilities of each grade of one image as prepared (grey levels, any side).
  std::vector<double> grade(const pipeline::GreyView& image) const;
  // One pass over a source made with config()'s size and normalisation.
  std::vector<Prediction> grade(BatchSource& source) const;

 private:
  Grader(std::filesystem::path folder, GraderConfig config, Precision precision, std::shared_ptr<GraderModel> model);
  GradingOptions options() const;

  std::filesystem::path folder_;
  GraderConfig config_;
  Precision precision_;  // as in training, so that its validation scores are met again
  std::shared_ptr<GraderModel> model_;
};

}  // namespace genu::train
