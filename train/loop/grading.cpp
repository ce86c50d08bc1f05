#include "train/loop/grading.h"

#include <ATen/autocast_mode.h>

#include "train/losses/ordinal.h"

namespace genu::train {

PrecisionScope::PrecisionScope(Precision precision) : active_(precision == Precision::kBf16) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
}

PrecisionScope::~PrecisionScope() {
  if (!active_) return;
  // The cache holds bf16 copies of the weights, stale once the optimiser has stepped.
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCPU, false);
}

torch::Tensor pixels_tensor(pipeline::Batch& batch) {
  return torch::from_blob(batch.pixels.data(), {batch.count, batch.channels, batch.height_px, batch.width_px},
                          torch::kFloat32);
}

torch::Tensor labels_tensor(pipeline::Batch& batch) {
  return torch::from_blob(batch.labels.data(), {batch.count}, torch::kInt64);
}

torch::Tensor grade_pixels(GraderModel& model, const torch::Tensor& pixels, const GradingOptions& options) {
  const torch::InferenceMode inference;
  const PrecisionScope precision(options.precision);
  const auto grade = [&](const torch::Tensor& images) {
    return class_probabilities(model.forward(images).to(torch::kFloat32), options.decoding);
  };
  const torch::Tensor probabilities = grade(pixels);
  return options.flip_average ? 0.5 * (probabilities + grade(pixels.flip(3))) : probabilities;
}

std::vector<Prediction> grade_source(GraderModel& model, BatchSource& source, const GradingOptions& options) {
  model.eval();
  source.seek(0, 0);
  std::vector<Prediction> predictions;
  pipeline::Batch batch;
  for (std::size_t i = 0; i < source.batches_per_epoch(); ++i) {
    source.next(batch);
    const torch::Tensor probabilities =
        grade_pixels(model, pixels_tensor(batch), options).to(torch::kFloat64).cpu().contiguous();
    const std::int64_t class_count = probabilities.size(1);
    const double* row = probabilities.const_data_ptr<double>();
    for (std::size_t k = 0; k < batch.samples.size(); ++k, row += class_count) {
      const SampleIdentity identity = source.identity(batch.samples[k]);
      predictions.push_back(
          {identity.sample_id, identity.subject, static_cast<int>(batch.labels[k]), {row, row + class_count}});
    }
  }
  return predictions;
}

}  // namespace genu::train
