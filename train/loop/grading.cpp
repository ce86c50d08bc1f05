#include "train/loop/grading.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <numeric>

#include "train/distributed/ranks.h"
#include "train/losses/ordinal.h"

namespace genu::train {

PrecisionScope::PrecisionScope(Precision precision, torch::DeviceType device)
    : active_(precision == Precision::kBf16), device_(device) {
  if (!active_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
}

PrecisionScope::~PrecisionScope() {
  if (!active_) return;
  // The cache holds bf16 copies of the weights, stale once the optimiser has stepped.
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

torch::Tensor pixels_tensor(pipeline::Batch& batch) {
  return torch::from_blob(batch.pixels.data(), {batch.count, batch.channels, batch.height_px, batch.width_px},
                          torch::kFloat32);
}

torch::Tensor labels_tensor(pipeline::Batch& batch) {
  return torch::from_blob(batch.labels.data(), {batch.count}, torch::kInt64);
}

torch::Tensor sent_to(const torch::Tensor& host, const torch::Device& device) {
  return device.is_cuda() ? host.pin_memory().to(device, /*non_blocking=*/true) : host;
}

PixelGrades grade_pixels(GraderModel& model, const torch::Tensor& pixels, const GradingOptions& options) {
  const torch::InferenceMode inference;
  const torch::Device device = model.parameters().front().device();
  const PrecisionScope precision(options.precision, device.type());
  const auto grade = [&](const torch::Tensor& given) -> PixelGrades {
    const torch::Tensor features = model.pool(model.run_blocks(model.prepare(given), 0, model.feature_blocks().size()));
    return {class_probabilities(model.classify(features).to(torch::kFloat32), options.decoding),
            features.to(torch::kFloat32)};
  };
  const torch::Tensor images = sent_to(pixels, device);
  const PixelGrades straight = grade(images);
  if (!options.flip_average) return straight;
  const PixelGrades mirrored = grade(images.flip(3));
  return {0.5 * (straight.probabilities + mirrored.probabilities), 0.5 * (straight.features + mirrored.features)};
}

namespace {

// Rows of (sample, label, probability of each grade), float64 [samples, 2 + classes].
torch::Tensor grade_rows(GraderModel& model, BatchSource& source, const GradingOptions& options) {
  std::vector<torch::Tensor> rows;
  pipeline::Batch batch;
  for (std::size_t i = 0; i < source.batches_per_epoch(); ++i) {
    source.next(batch);
    if (batch.count == 0) continue;
    const torch::Tensor probabilities =
        grade_pixels(model, pixels_tensor(batch), options).probabilities.to(torch::kFloat64).cpu();
    const torch::Tensor head = torch::empty({batch.count, 2}, torch::kFloat64);
    double* place = head.data_ptr<double>();
    for (std::size_t k = 0; k < batch.samples.size(); ++k) {
      *place++ = static_cast<double>(batch.samples[k]);
      *place++ = static_cast<double>(batch.labels[k]);
    }
    rows.push_back(torch::cat({head, probabilities}, 1));
  }
  return rows.empty() ? torch::empty({0, 0}, torch::kFloat64) : torch::cat(rows);
}

// The rows of all ranks, one rank's behind the other's, put into the order of samples.
torch::Tensor gather_rows(const torch::Tensor& rows, Ranks& ranks) {
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<double> counts(size, 0.0), widths(size, 0.0);
  counts[static_cast<std::size_t>(ranks.rank())] = static_cast<double>(rows.size(0));
  widths[static_cast<std::size_t>(ranks.rank())] = static_cast<double>(rows.size(1));
  counts = ranks.add_up(counts);
  widths = ranks.add_up(widths);
  const auto width = static_cast<std::int64_t>(*std::max_element(widths.begin(), widths.end()));
  const auto before = [&](int rank) {
    return static_cast<std::int64_t>(std::accumulate(counts.begin(), counts.begin() + rank, 0.0));
  };
  torch::Tensor all = torch::zeros({before(ranks.size()), width}, torch::kFloat64);
  if (rows.size(0) > 0) all.narrow(0, before(ranks.rank()), rows.size(0)).copy_(rows);
  ranks.add_up(all);
  return all.index_select(0, std::get<1>(all.select(1, 0).sort()));
}

}  // namespace

torch::Tensor source_features(GraderModel& model, BatchSource& source, const GradingOptions& options) {
  model.eval();
  source.seek(0, 0);
  std::vector<torch::Tensor> parts;
  pipeline::Batch batch;
  for (std::size_t i = 0; i < source.batches_per_epoch(); ++i) {
    source.next(batch);
    parts.push_back(grade_pixels(model, pixels_tensor(batch), options).features.cpu());
  }
  return torch::cat(parts);
}

std::vector<Prediction> grade_source(GraderModel& model, BatchSource& source, const GradingOptions& options,
                                     Ranks* ranks) {
  model.eval();
  source.seek(0, 0);
  torch::Tensor rows = grade_rows(model, source, options);
  if (ranks != nullptr) rows = gather_rows(rows, *ranks);
  rows = rows.contiguous();
  std::vector<Prediction> predictions;
  const double* row = rows.const_data_ptr<double>();
  for (std::int64_t k = 0; k < rows.size(0); ++k, row += rows.size(1)) {
    const SampleIdentity identity = source.identity(static_cast<std::size_t>(row[0]));
    predictions.push_back(
        {identity.sample_id, identity.subject, static_cast<int>(row[1]), {row + 2, row + rows.size(1)}});
  }
  return predictions;
}

}  // namespace genu::train
