#include "train/loop/grader.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "core/hash.h"
#include "train/explain/grad_cam.h"
#include "train/loop/checkpoint.h"
#include "train/loop/device.h"
#include "train/loop/fit_forest.h"
#include "train/loop/grading.h"
#include "train/loop/knee_statistics.h"
#include "train/loop/run_folder.h"
#include "train/loop/tensor_errors.h"
#include "train/metrics/calibration.h"

namespace genu::train {

namespace {

void check_hash(const std::filesystem::path& file, const std::string& sha256_hex) {
  if (sha256_hex.empty() || to_hex(sha256_file(file)) == sha256_hex) return;
  throw DataError(file.string() + ": not the file that grader.yaml beside it names; restore both or export again");
}

// An exported grader has no train.yaml.
Precision precision_of(const std::filesystem::path& folder, const GraderConfig& config) {
  return config.weights_sha256.empty() ? read_checkpoint_config(folder).precision : Precision::kFp32;
}

// What the network takes, black.
torch::Tensor blank_input(const GraderConfig& config) {
  const auto shape = pipeline::tensor_shape(config.tensor_format(), config.size_px, config.size_px);
  return torch::zeros({1, shape.channels, shape.height_px, shape.width_px});
}

// A map of the rows that the network was shown as one of the whole picture, [height * width]: nothing outside them.
std::vector<float> whole_map(const torch::Tensor& map, const pipeline::RowBand& band, int height_px, int width_px) {
  const pipeline::RowRange rows = pipeline::rows_of(band, height_px);
  const torch::Tensor shown =
      torch::upsample_bilinear2d(map.unsqueeze(0).unsqueeze(0), std::vector<std::int64_t>{rows.count, width_px},
                                 /*align_corners=*/false)
          .cpu()
          .contiguous()
          .flatten();
  const auto width = static_cast<std::size_t>(width_px);
  std::vector<float> whole(static_cast<std::size_t>(height_px) * width, 0);
  std::copy_n(shown.const_data_ptr<float>(), shown.numel(),
              whole.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows.first) * width));
  return whole;
}

}  // namespace

Grader::Grader(std::filesystem::path folder, GraderConfig config, Precision precision)
    : folder_(std::move(folder)), config_(std::move(config)), precision_(precision) {
  if (is_forest(config_.model)) {
    forest_ = std::make_shared<const Forest>(
        read_forest(folder_ / "model.safetensors", config_.class_count, config_.size_px * config_.size_px));
  } else {
    model_ = read_model(folder_, config_);
  }
  if (!config_.distance_limit) return;
  const auto file = folder_ / "knees.safetensors";
  check_hash(file, config_.knees_sha256);
  knees_ = std::make_shared<const KneeStatistics>(read_knee_statistics(file));
}

Grader Grader::load(const std::filesystem::path& path) {
  const auto folder = find_checkpoint(path);
  const GraderConfig config = read_grader_config(folder);
  check_hash(folder / "model.safetensors", config.weights_sha256);
  return tensor_work([&] { return Grader(folder, config, precision_of(folder, config)); });
}

void Grader::move_to(DeviceChoice device) {
  const torch::Device target = device_of(device, 0);
  if (model_) model_->to(target);
}

GradingOptions Grader::options() const {
  return {.flip_average = config_.flip_average, .precision = precision_, .decoding = config_.decoding};
}

// float32 [n, 1, side, side] as the network takes it.
torch::Tensor Grader::pixels_of(std::span<const pipeline::GreyView> images) const {
  const auto format = config_.tensor_format();
  std::vector<torch::Tensor> tensors;
  for (const pipeline::GreyView& image : images) {
    const auto shape = pipeline::tensor_shape(format, image.height_px, image.width_px);
    torch::Tensor pixels = torch::empty({shape.channels, shape.height_px, shape.width_px});
    pipeline::make_tensor(image, {}, format, config_.training_pixels(), {pixels.data_ptr<float>(), shape.size()});
    tensors.push_back(pixels);
  }
  return torch::stack(tensors);
}

namespace {

// Of row i of values [n, count].
std::vector<double> row_of(const torch::Tensor& values, std::int64_t i) {
  const torch::Tensor row = values[i].to(torch::kFloat64).cpu().contiguous();
  return {row.const_data_ptr<double>(), row.const_data_ptr<double>() + row.numel()};
}

}  // namespace

std::vector<double> Grader::tempered(std::vector<double> probabilities) const {
  if (!std::all_of(probabilities.begin(), probabilities.end(), [](double p) { return std::isfinite(p); })) {
    throw DataError(fmt::format("{}: its probabilities are no numbers; the training diverged, take another checkpoint",
                                (folder_ / "model.safetensors").string()));
  }
  if (!config_.temperature) return probabilities;
  return scale_temperature({"", "", 0, std::move(probabilities)}, *config_.temperature).probabilities;
}

// Written so that a distance which is no number is one of a stranger.
bool Grader::is_stranger(const std::optional<double>& distance) const {
  return distance && config_.distance_limit && !(*distance <= *config_.distance_limit);
}

std::vector<Graded> Grader::grade(std::span<const pipeline::GreyView> images) const {
  std::vector<Graded> out;
  if (forest_) {
    for (const pipeline::GreyView& image : images) {
      const torch::Tensor pixels = pixels_of({&image, 1});
      out.push_back(
          {tempered(forest_->vote({pixels.const_data_ptr<float>(), static_cast<std::size_t>(pixels.numel())})), {}});
    }
    return out;
  }
  return tensor_work([&] {
    const PixelGrades graded = grade_pixels(*model_, pixels_of(images), options());
    for (std::size_t i = 0; i < images.size(); ++i) {
      out.push_back({tempered(row_of(graded.probabilities, static_cast<std::int64_t>(i))), {}});
    }
    if (!knees_) return out;
    const torch::Tensor distances = knees_->distance(graded.features.cpu());
    for (std::size_t i = 0; i < images.size(); ++i) {
      out[i].distance = distances[static_cast<std::int64_t>(i)].item<double>();
    }
    return out;
  });
}

// Position behind the block asked for.
std::size_t Grader::cam_depth_of(const ExplainOptions& options) const {
  if (forest_) throw UsageError("a random_forest has no maps to weigh; Grad-CAM needs a convolutional network");
  const std::size_t depth = cam_depth(*model_, options.block);
  if (options.grade < 0 || options.grade >= config_.class_count) {
    throw UsageError(
        fmt::format("grade {}: this network knows the grades 0 to {}", options.grade, config_.class_count - 1));
  }
  return depth;
}

void Grader::check_explainable(const ExplainOptions& options) const {
  const std::size_t depth = cam_depth_of(options);
  tensor_work([&] { return cam_maps(*model_, blank_input(config_), depth); });
}

std::vector<Explanation> Grader::explain(std::span<const pipeline::GreyView> images,
                                         const ExplainOptions& explain_options) const {
  using Target = ExplainOptions::Target;
  const std::size_t depth = cam_depth_of(explain_options);
  return tensor_work([&] {
    const torch::Tensor pixels = pixels_of(images);
    std::vector<Graded> graded = grade(images);
    std::vector<Explanation> out;
    std::vector<std::int64_t> grades;
    const bool ordinal = config_.decoding != Decoding::kSoftmax;
    const bool expected =
        explain_options.target == Target::kExpected || (explain_options.target == Target::kHeadsOwn && ordinal);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const Prediction prediction{"", "", 0, graded[i].probabilities};
      grades.push_back(explain_options.target == Target::kGrade ? explain_options.grade : prediction.predicted());
      out.push_back({std::move(graded[i].probabilities),
                     graded[i].distance,
                     expected ? "expected" : std::to_string(grades.back()),
                     {}});
    }
    const torch::Tensor cams = grad_cam(
        *model_, pixels, depth,
        {.decoding = config_.decoding, .grades = expected ? torch::Tensor() : torch::tensor(grades, torch::kInt64)});
    for (std::size_t i = 0; i < images.size(); ++i) {
      out[i].map = whole_map(cams[static_cast<std::int64_t>(i)], config_.rows, images[i].height_px, images[i].width_px);
    }
    return out;
  });
}

std::vector<Prediction> Grader::grade(BatchSource& source) const {
  std::vector<Prediction> predictions =
      forest_ ? grade_source(*forest_, source) : tensor_work([&] { return grade_source(*model_, source, options()); });
  for (Prediction& row : predictions) row.probabilities = tempered(std::move(row.probabilities));
  return predictions;
}

torch::Tensor Grader::features(BatchSource& source, std::int64_t most) const {
  if (forest_) throw UsageError("a random_forest has no features");
  return tensor_work([&] {
    const std::int64_t count = grade_pixels(*model_, blank_input(config_), options()).features.size(1);
    if (count > most) {
      throw UsageError(fmt::format("{} has {} features, more than {}, too many to know a knee by; add --components 0",
                                   config_.model.name, count, most));
    }
    return source_features(*model_, source, options());
  });
}

}  // namespace genu::train
