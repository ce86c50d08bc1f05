#include "train/loop/teacher.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "core/errors.h"
#include "core/hash.h"
#include "train/metrics/predictions_file.h"

namespace genu::train {

namespace {

// Ids are unique within a source; a namesake of another one is another person's.
std::string key_of(const SampleIdentity& identity) { return identity.sample_id + '\n' + identity.subject; }

}  // namespace

Teacher::Teacher(const TeacherConfig& config, int class_count) : config_(config) {
  const std::string& file = config.predictions;
  if (!config.sha256.empty() && to_hex(sha256_file(file)) != config.sha256) {
    throw DataError(fmt::format(
        "{}: is not the file that the run was begun with (teacher.sha256); restore it, or begin anew", file));
  }
  std::vector<float> values;
  for (const Prediction& prediction : read_predictions(file)) {
    if (prediction.probabilities.size() != static_cast<std::size_t>(class_count)) {
      throw DataError(fmt::format("{}: probabilities of {} grades, and the network has {}", file,
                                  prediction.probabilities.size(), class_count));
    }
    const SampleIdentity identity{prediction.sample_id, prediction.subject};
    if (!rows_.emplace(key_of(identity), static_cast<std::int64_t>(rows_.size())).second) {
      throw DataError(
          fmt::format("{}: sample {} of subject {} stands twice; give every sample of the shards an id of its own",
                      file, identity.sample_id, identity.subject));
    }
    const double sum = std::accumulate(prediction.probabilities.begin(), prediction.probabilities.end(), 0.0);
    if (std::abs(sum - 1) > 1e-3) {
      throw DataError(
          fmt::format("{}: the probabilities of sample {} have the sum {:.4g}, not 1; write it with genu evaluate",
                      file, identity.sample_id, sum));
    }
    values.insert(values.end(), prediction.probabilities.begin(), prediction.probabilities.end());
  }
  table_ = torch::tensor(values, torch::kFloat32).view({-1, class_count});
}

void Teacher::require_all(const BatchSource& source) const {
  for (const std::size_t sample : source.samples()) row_of(source.identity(sample));
}

torch::Tensor Teacher::probabilities(const pipeline::Batch& batch, const BatchSource& source) const {
  std::vector<std::int64_t> rows;
  for (const std::size_t sample : batch.samples) rows.push_back(row_of(source.identity(sample)));
  return table_.index_select(0, torch::tensor(rows, torch::kInt64));
}

std::int64_t Teacher::row_of(const SampleIdentity& sample) const {
  const auto found = rows_.find(key_of(sample));
  if (found == rows_.end()) {
    throw DataError(fmt::format(
        "{}: says nothing of the training sample {}; make it of the same shards by genu evaluate --split train",
        config_.predictions, sample.sample_id));
  }
  return found->second;
}

}  // namespace genu::train
