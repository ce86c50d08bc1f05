// From batches to predictions.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "train/loop/batch_source.h"
#include "train/metrics/prediction.h"
#include "train/models/grader_model.h"

namespace genu::train {

class Ranks;

// bf16 autocast of a device's operations while it lives; nothing with kFp32. Not for nesting.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision, torch::DeviceType device = torch::kCPU);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  bool active_;
  torch::DeviceType device_;
};

// float32 [count, channels, height, width]; shares the batch's memory.
torch::Tensor pixels_tensor(pipeline::Batch& batch);
// int64 [count]; shares the batch's memory.
torch::Tensor labels_tensor(pipeline::Batch& batch);

// The tensor on that device. To a GPU by way of pinned memory: the copy runs beside the CPU, and `host` may be used
// again at once.
torch::Tensor sent_to(const torch::Tensor& host, const torch::Device& device);

struct GradingOptions {
  bool flip_average = true;  // mean of the probabilities of image and mirror image
  Precision precision = Precision::kFp32;
  Decoding decoding = Decoding::kSoftmax;
};

// On the model's device; with flip_average of image and mirror image.
struct PixelGrades {
  torch::Tensor probabilities;  // float32 [n, classes]
  torch::Tensor features;       // float32 [n, features]: what the head is given
};

// Of pixels [n, c, h, w] on the CPU. The model must be in evaluation mode.
PixelGrades grade_pixels(GraderModel& model, const torch::Tensor& pixels, const GradingOptions& options);

// Features float32 [n, features] on the CPU of each image of a source, in its order. The model must be in evaluation
// mode.
torch::Tensor source_features(GraderModel& model, BatchSource& source, const GradingOptions& options);

// One pass over the source; puts the model into evaluation mode. With ranks, each grades its part of the source and
// all get the predictions of all, in the source's order.
std::vector<Prediction> grade_source(GraderModel& model, BatchSource& source, const GradingOptions& options,
                                     Ranks* ranks = nullptr);

}  // namespace genu::train
