#include "train/explain/grad_cam.h"

#include <fmt/format.h>

#include "core/errors.h"
#include "train/losses/ordinal.h"

namespace genu::train {

namespace {

// One number a picture, [n].
torch::Tensor target_values(const torch::Tensor& logits, const CamTarget& target) {
  const auto of_grade = [&](const torch::Tensor& values) {
    return values.gather(1, target.grades.to(values.device()).unsqueeze(1)).squeeze(1);
  };
  if (target.grades.defined() && target.decoding == Decoding::kSoftmax) return of_grade(logits);
  constexpr double kLeastProbability = 1e-12;
  const torch::Tensor probabilities = class_probabilities(logits, target.decoding);
  if (target.grades.defined()) return of_grade(probabilities.clamp_min(kLeastProbability).log());
  return probabilities.matmul(torch::arange(probabilities.size(1), probabilities.options()));
}

}  // namespace

std::size_t cam_depth(const GraderModel& model, const std::string& block) {
  const auto& blocks = model.feature_blocks();
  if (block.empty()) return blocks.size();
  std::string names;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].name == block) return i + 1;
    names += (i > 0 ? ", " : "") + blocks[i].name;
  }
  throw UsageError(fmt::format("--block: the network has no '{}'; it has {}", block, names));
}

torch::Tensor cam_maps(GraderModel& model, const torch::Tensor& pixels, std::size_t depth) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor maps =
      model.run_blocks(model.prepare(pixels.to(model.parameters().front().device())), 0, depth).to(torch::kFloat32);
  if (maps.dim() != 4) {
    throw UsageError("this network is no convolutional one: its blocks give tokens, not maps, and Grad-CAM needs maps");
  }
  return maps;
}

torch::Tensor grad_cam(GraderModel& model, const torch::Tensor& pixels, std::size_t depth, const CamTarget& target) {
  const torch::Tensor maps = cam_maps(model, pixels, depth).detach().requires_grad_();
  // The copy: a block may write over its input.
  const torch::Tensor rest = model.run_blocks(maps.clone(), depth, model.feature_blocks().size());
  const torch::Tensor values = target_values(model.classify(model.pool(rest)).to(torch::kFloat32), target);
  // Pictures do not meet in evaluation mode, so the sum's gradient is each one's own.
  const torch::Tensor gradient = torch::autograd::grad({values.sum()}, {maps}).front();
  const torch::NoGradGuard no_grad;
  return (gradient.mean({2, 3}, /*keepdim=*/true) * maps).sum(1).relu();
}

}  // namespace genu::train
