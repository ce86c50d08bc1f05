#include "train/loop/adam.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <fmt/format.h>

#include "core/errors.h"

namespace genu::train {

std::vector<ParameterGroup> parameter_groups(const GraderModel& model, const OptimiserConfig& config) {
  std::vector<ParameterGroup> groups = {{{}, 1.0, config.weight_decay},
                                        {{}, 1.0, 0.0},
                                        {{}, config.head_multiplier, config.weight_decay},
                                        {{}, config.head_multiplier, 0.0}};
  for (const auto& item : model.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const bool head = item.key().starts_with(model.head_prefix());
    const bool decays = item.value().dim() >= 2;
    groups[(head ? 2U : 0U) + (decays ? 0U : 1U)].parameters.push_back({item.key(), item.value()});
  }
  return groups;
}

Adam::Adam(std::vector<ParameterGroup> groups, const OptimiserConfig& config) : config_(config) {
  std::size_t count = 0;
  for (ParameterGroup& given : groups) {
    Group group{{}, given.rate_multiplier, given.weight_decay};
    for (NamedParameter& parameter : given.parameters) {
      group.slots.push_back({parameter, torch::zeros_like(parameter.tensor), torch::zeros_like(parameter.tensor)});
      ++count;
    }
    if (!group.slots.empty()) groups_.push_back(std::move(group));
  }
  if (count == 0) throw ConfigError("freeze: nothing is left to learn; free some blocks");
}

void Adam::zero_grad() {
  for (Group& group : groups_) {
    for (Slot& slot : group.slots) slot.parameter.tensor.mutable_grad().reset();
  }
}

void Adam::clip() const {
  std::vector<torch::Tensor> parameters;
  for (const Group& group : groups_) {
    for (const Slot& slot : group.slots) parameters.push_back(slot.parameter.tensor);
  }
  torch::nn::utils::clip_grad_norm_(parameters, config_.clip_norm);
}

void Adam::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  if (config_.clip_norm > 0) clip();
  ++step_count_;
  for (Group& group : groups_) step_group(group, learning_rate * group.rate_multiplier);
}

void Adam::step_group(Group& group, double learning_rate) {
  std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
  for (Slot& slot : group.slots) {
    if (!slot.parameter.tensor.grad().defined()) continue;
    parameters.push_back(slot.parameter.tensor);
    gradients.push_back(slot.parameter.tensor.grad());
    means.push_back(slot.mean);
    squares.push_back(slot.square);
    steps.push_back(torch::full({}, static_cast<double>(step_count_), slot.mean.options()));
  }
  if (parameters.empty()) return;
  if (config_.kind == OptimiserKind::kAdamW) {
    at::_fused_adamw_(parameters, gradients, means, squares, {}, steps, learning_rate, config_.beta1, config_.beta2,
                      group.weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  } else {
    at::_fused_adam_(parameters, gradients, means, squares, {}, steps, learning_rate, config_.beta1, config_.beta2,
                     group.weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  }
}

StateDict Adam::state() const {
  StateDict tensors;
  for (const Group& group : groups_) {
    for (const Slot& slot : group.slots) {
      tensors["optimiser.mean." + slot.parameter.name] = slot.mean;
      tensors["optimiser.square." + slot.parameter.name] = slot.square;
    }
  }
  return tensors;
}

void Adam::load(const StateDict& state, std::uint64_t step_count, const std::string& file) {
  const auto copy = [&](const std::string& name, torch::Tensor& target) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != target.sizes()) {
      throw DataError(fmt::format("{}: {}: missing or of another shape; the checkpoint is of another run", file, name));
    }
    target.copy_(found->second);
  };
  for (Group& group : groups_) {
    for (Slot& slot : group.slots) {
      copy("optimiser.mean." + slot.parameter.name, slot.mean);
      copy("optimiser.square." + slot.parameter.name, slot.square);
    }
  }
  step_count_ = step_count;
}

}  // namespace genu::train
