// Grad-CAM: where in the picture a network found what it says (Selvaraju et al., "Grad-CAM: visual explanations from
// deep networks via gradient-based localization", ICCV 2017).
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <string>

#include "train/losses/loss_config.h"
#include "train/models/grader_model.h"

namespace genu::train {

// What the gradient is taken of.
struct CamTarget {
  Decoding decoding = Decoding::kSoftmax;
  // int64 [n], a grade for each picture: its output where the head has one a grade, else log p of it.
  // Undefined = the expected grade, the sum over k of k p_k.
  torch::Tensor grades = {};
};

// Position behind the feature block of this name, for grad_cam(); "" = behind the last. Throws UsageError naming the
// blocks there are.
std::size_t cam_depth(const GraderModel& model, const std::string& block);

// What the feature blocks 0 .. depth - 1 give, float32 [n, channels, map height, map width], without gradients. Throws
// UsageError where it is no maps (a transformer's tokens). The model must be in evaluation mode.
//   pixels  float32 [n, c, h, w]
torch::Tensor cam_maps(GraderModel& model, const torch::Tensor& pixels, std::size_t depth);

// relu(sum over channels c of a_c A_c), a_c = mean over the map of the target's gradient by A_c, where A is what the
// feature blocks 0 .. depth - 1 give.
//   pixels  float32 [n, c, h, w]; the model must be in evaluation mode
// Returns float32 [n, map height, map width], >= 0, on the network's own scale. No parameter's gradient is touched.
// Throws what cam_maps() throws. Requires grades that the network has.
torch::Tensor grad_cam(GraderModel& model, const torch::Tensor& pixels, std::size_t depth, const CamTarget& target);

}  // namespace genu::train
