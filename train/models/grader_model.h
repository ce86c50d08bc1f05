// What the trainer needs to know of a network that grades knees.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>
#include <vector>

#include "train/models/input_spec.h"

namespace genu::train {

class GraderModel : public torch::nn::Module {
 public:
  // pixels: float32 or bfloat16 [n, 1 or input().channels, h, w]; one channel stands for equal ones.
  // Returns logits [n, class_count].
  virtual torch::Tensor forward(const torch::Tensor& pixels) = 0;

  virtual InputSpec input() const = 0;
  // Prefix of the head's tensor names: "classifier.".
  virtual std::string head_prefix() const = 0;
  // Feature blocks from the image to the head; together with the head they are the whole network.
  virtual std::vector<std::shared_ptr<torch::nn::Module>> feature_blocks() const = 0;
};

}  // namespace genu::train
