#include "train/loop/export_grader.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "train/loop/batch_source.h"
#include "train/loop/checkpoint.h"
#include "train/loop/grader.h"
#include "train/loop/knee_statistics.h"
#include "train/loop/run_folder.h"
#include "train/loop/tensor_errors.h"
#include "train/metrics/calibration.h"

namespace genu::train {

namespace {

namespace fs = std::filesystem;

// A folder that appears under its name only with commit().
class FreshFolder {
 public:
  explicit FreshFolder(const fs::path& path) : path_(path.has_filename() ? path : path.parent_path()) {
    std::error_code ignored;
    if (fs::exists(path_, ignored)) {
      throw UsageError(path_.string() + ": exists already; name another folder or remove it");
    }
    temporary_ = path_.parent_path() / fmt::format(".{}.tmp-{}", path_.filename().string(), ::getpid());
    fs::remove_all(temporary_, ignored);
    make_folders(temporary_);
  }
  ~FreshFolder() {
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
  }
  FreshFolder(const FreshFolder&) = delete;
  FreshFolder& operator=(const FreshFolder&) = delete;

  const fs::path& path() const { return temporary_; }
  void commit() {
    sync_filesystem(temporary_);
    rename_file(temporary_, path_);
  }

 private:
  fs::path path_;
  fs::path temporary_;
};

StateDict stored_weights(const fs::path& file, WeightStorage storage) {
  StateDict weights = read_weights(file);
  if (storage == WeightStorage::kFp32) return weights;
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() < 2 || !tensor.is_floating_point()) continue;
    tensor = tensor.to(torch::kFloat16);
    if (!tensor.isfinite().all().item<bool>()) {
      throw DataError(fmt::format("{}: {} does not fit half precision; export without --half", file.string(), name));
    }
  }
  return weights;
}

SourceChoice resolved_source(const pipeline::ShardSet& shards, const std::optional<SourceChoice>& wanted) {
  if (wanted) return *wanted;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (is_chosen(shards.record(i), SourceChoice::kReal)) return SourceChoice::kReal;
  }
  return SourceChoice::kAll;
}

void check_shards(const GraderConfig& grader, const pipeline::ShardSet& shards, const fs::path& checkpoint) {
  if (grader.shards_sha256 == shards.index_sha256()) return;
  throw DataError(fmt::format("{}: trained on other shards (shards.json with SHA-256 {}...); name those with --shards",
                              checkpoint.string(), grader.shards_sha256.substr(0, 12)));
}

// Covariances of more features take gigabytes.
constexpr std::int64_t kMostFeatures = 4096;

}  // namespace

ExportOutcome export_grader(const fs::path& checkpoint, const std::shared_ptr<const pipeline::ShardSet>& shards,
                            const ExportOptions& options, const fs::path& out) {
  const fs::path from = find_checkpoint(checkpoint);
  GraderConfig config = read_grader_config(from);
  check_shards(config, *shards, from);
  if (config.chosen_samples) {
    throw DataError(
        from.string() +
        ": trained on a fold of genu crossval, so that no split of the shards is unseen; export a run of genu train");
  }
  if (is_forest(config.model) && (options.components > 0 || options.storage != WeightStorage::kFp32)) {
    throw UsageError("a random_forest has no features to know a knee by and no half precision; add --components 0");
  }
  config.temperature.reset();
  config.distance_limit.reset();
  config.knees_sha256.clear();
  FreshFolder folder(out);
  const auto hash_of = [&](const char* name) { return to_hex(sha256_file(folder.path() / name)); };

  // 1. The weights, and a grader of just these.
  tensor_work([&] {
    write_safetensors(folder.path() / "model.safetensors", stored_weights(from / "model.safetensors", options.storage),
                      {{"format", "pt"}});
  });
  config.weights_sha256 = hash_of("model.safetensors");
  write_file_atomically(folder.path() / "grader.yaml", to_yaml(config));
  const Grader grader = Grader::load(folder.path());
  const SourceChoice choice = resolved_source(*shards, options.source);
  const auto source = [&](pipeline::Split split) {
    return evaluation_source(shards, {.split = split, .source = choice, .limit_samples = 0, .batch_size = 64},
                             config.normalisation,
                             {.size_px = config.size_px, .rows = config.rows, .seed = 0, .threads = options.threads});
  };
  ExportOutcome outcome;
  outcome.weights_sha256 = config.weights_sha256;

  // 2. What the features of training knees look like.
  if (options.components > 0) {
    tensor_work([&] {
      const torch::Tensor features = grader.features(*source(pipeline::Split::kTrain), kMostFeatures);
      const KneeStatistics statistics = fit_knee_statistics(features, options.components);
      write_knee_statistics(folder.path() / "knees.safetensors", statistics);
      config.distance_limit = distance_quantile(statistics.distance(features), options.quantile);
      outcome.train_samples = static_cast<std::size_t>(features.size(0));
    });
    config.knees_sha256 = hash_of("knees.safetensors");
    outcome.distance_limit = config.distance_limit;
  }

  // 3. What its probabilities are worth on knees it has not seen.
  if (options.fit_temperature) {
    const std::vector<Prediction> predictions = grader.grade(*source(pipeline::Split::kVal));
    config.temperature = fit_temperature(predictions);
    outcome.temperature = config.temperature;
    outcome.val_samples = predictions.size();
    outcome.calibration_error = expected_calibration_error(predictions);
    outcome.scaled_calibration_error = expected_calibration_error(cross_scaled(predictions));
  }
  write_file_atomically(folder.path() / "grader.yaml", to_yaml(config));
  for (const auto& entry : fs::directory_iterator(folder.path())) outcome.bytes += entry.file_size();
  folder.commit();
  return outcome;
}

}  // namespace genu::train
