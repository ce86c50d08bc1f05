// Adam and AdamW over groups of parameters, with the state in named tensors so that it can be saved.
//   Kingma and Ba, "Adam", ICLR 2015; Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "train/loop/train_config.h"
#include "train/models/grader_model.h"
#include "train/weights/state_dict.h"

namespace genu::train {

struct NamedParameter {
  std::string name;
  torch::Tensor tensor;
};

// Parameters that share rate and decay.
struct ParameterGroup {
  std::vector<NamedParameter> parameters;
  double rate_multiplier = 1.0;
  double weight_decay = 0.0;
};

// Four groups: features and head, each with weights (two or more dimensions: they decay) and norms and biases (they do
// not). Parameters that take no gradient are left out.
std::vector<ParameterGroup> parameter_groups(const GraderModel& model, const OptimiserConfig& config);

class Adam {
 public:
  // Throws ConfigError if nothing learns.
  Adam(std::vector<ParameterGroup> groups, const OptimiserConfig& config);

  void zero_grad();
  // Scales the gradients so that their common norm is at most config.clip_norm (if that is not 0), then steps with
  // learning_rate times each group's multiplier. A parameter without gradient stays.
  void step(double learning_rate);

  std::uint64_t step_count() const { return step_count_; }
  // Tensors "optimiser.mean.NAME", "optimiser.square.NAME"; the step count is the caller's to keep.
  StateDict state() const;
  // Throws DataError naming `file` and the tensor if one is missing or of another shape.
  void load(const StateDict& state, std::uint64_t step_count, const std::string& file);

 private:
  struct Slot {
    NamedParameter parameter;
    torch::Tensor mean;    // running mean of the gradient
    torch::Tensor square;  // running mean of its square
  };
  struct Group {
    std::vector<Slot> slots;
    double rate_multiplier;
    double weight_decay;
  };
  void clip() const;
  void step_group(Group& group, double learning_rate);

  OptimiserConfig config_;
  std::vector<Group> groups_;
  std::uint64_t step_count_ = 0;
};

}  // namespace genu::train
