// What other graders said about the training samples, as targets beside their labels.
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <string>
#include <unordered_map>

#include "train/loop/batch_source.h"
#include "train/loop/train_config.h"

namespace genu::train {

// Distillation on stored probabilities (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network",
// 2015): an ensemble of any size costs nothing in the loop.
class Teacher {
 public:
  // Throws what read_predictions() throws, and DataError on another number of grades, a row whose sum is not 1, a
  // sample that stands twice or another file than that of config.sha256.
  Teacher(const TeacherConfig& config, int class_count);

  // Throws DataError naming the first sample of the source that the file lacks.
  void require_all(const BatchSource& source) const;
  // Of a batch of `source`: float32 [batch.count, classes], rows of sum 1.
  torch::Tensor probabilities(const pipeline::Batch& batch, const BatchSource& source) const;
  // 0 .. 1, of the mean of both losses.
  double weight() const { return config_.weight; }

 private:
  std::int64_t row_of(const SampleIdentity& sample) const;

  TeacherConfig config_;
  std::unordered_map<std::string, std::int64_t> rows_;  // by sample and subject
  torch::Tensor table_;                                 // float32 [samples, classes]
};

}  // namespace genu::train
