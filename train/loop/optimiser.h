// SGD, Adam and AdamW over groups of parameters, with the state in named tensors so that it can be saved.
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

enum class Included : std::uint8_t {
  kLearning,  // parameters that take a gradient now
  kAll,       // those that may later, too
};

// Parameters in groups of equal rate and decay. The rate's multiplier is that of the longest prefix in
// config.groups that names the parameter, else head_multiplier for the head, else 1. Weights of two or more dimensions
// decay, norms and biases do not. Throws ConfigError on a prefix that names no parameter.
std::vector<ParameterGroup> parameter_groups(const GraderModel& model, const OptimiserConfig& config,
                                             Included included = Included::kLearning);

class Optimiser {
 public:
  // Throws ConfigError if nothing learns.
  Optimiser(std::vector<ParameterGroup> groups, const OptimiserConfig& config);

  void zero_grad();
  // Of the parameters that have one, in a fixed order; they share memory with it.
  std::vector<torch::Tensor> gradients() const;
  // Scales the gradients by `gradient_factor`, then so that their common norm is at most config.clip_norm (if that is
  // not 0), then steps with learning_rate times each group's multiplier. A parameter without gradient stays, and its
  // own count of steps with it.
  void step(double learning_rate, double gradient_factor = 1.0);

  // Tensors "optimiser.steps.NAME" and, of Adam, "optimiser.mean.NAME", "optimiser.square.NAME", of SGD
  // "optimiser.velocity.NAME".
  StateDict state() const;
  // Throws DataError naming `file` and the tensor if one is missing or of another shape.
  void load(const StateDict& state, const std::string& file);

 private:
  struct Slot {
    NamedParameter parameter;
    torch::Tensor steps;   // float32 []: taken so far
    torch::Tensor first;   // running mean of the gradient, or velocity
    torch::Tensor second;  // running mean of its square; Adam only
  };
  struct Group {
    std::vector<Slot> slots;
    double rate_multiplier;
    double weight_decay;
  };
  std::vector<torch::Tensor> learning_parameters() const;
  void step_adam(Group& group, double learning_rate);
  void step_sgd(Group& group, double learning_rate);
  // Each tensor of the state with its name.
  template <class F>
  void for_each_state(const F& f) const;

  OptimiserConfig config_;
  std::vector<Group> groups_;
};

}  // namespace genu::train
