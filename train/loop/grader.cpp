#include "train/loop/grader.h"

#include <torch/torch.h>

#include "train/loop/checkpoint.h"
#include "train/loop/grading.h"
#include "train/loop/run_folder.h"
#include "train/loop/tensor_errors.h"

namespace genu::train {

Grader::Grader(std::filesystem::path folder, GraderConfig config, Precision precision,
               std::shared_ptr<GraderModel> model)
    : folder_(std::move(folder)), config_(std::move(config)), precision_(precision), model_(std::move(model)) {}

Grader Grader::load(const std::filesystem::path& path) {
  const auto folder = find_checkpoint(path);
  const GraderConfig config = read_grader_config(folder);
  return tensor_work(
      [&] { return Grader(folder, config, read_checkpoint_config(folder).precision, read_model(folder, config)); });
}

GradingOptions Grader::options() const {
  return {.flip_average = config_.flip_average, .precision = precision_, .decoding = config_.decoding};
}

std::vector<double> Grader::grade(const pipeline::GreyView& image) const {
  const auto format = config_.tensor_format();
  const auto shape = pipeline::tensor_shape(format, image.height_px, image.width_px);
  return tensor_work([&]() -> std::vector<double> {
    torch::Tensor pixels = torch::empty({1, shape.channels, shape.height_px, shape.width_px});
    pipeline::make_tensor(image, {}, format, config_.training_pixels(), {pixels.data_ptr<float>(), shape.size()});
    const torch::Tensor probabilities = grade_pixels(*model_, pixels, options()).to(torch::kFloat64).contiguous();
    const double* row = probabilities.const_data_ptr<double>();
    return {row, row + probabilities.numel()};
  });
}

std::vector<Prediction> Grader::grade(BatchSource& source) const {
  return tensor_work([&] { return grade_source(*model_, source, options()); });
}

}  // namespace genu::train
