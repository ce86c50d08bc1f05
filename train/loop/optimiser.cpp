#include "train/loop/optimiser.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/errors.h"

namespace genu::train {

namespace {

bool named_by(const std::string& prefix, const std::string& name) {
  return name == prefix || name.starts_with(prefix + ".");
}

double rate_multiplier(const std::string& name, const std::string& head_prefix, const OptimiserConfig& config) {
  const RateGroup* longest = nullptr;
  for (const RateGroup& group : config.groups) {
    if (named_by(group.prefix, name) && (longest == nullptr || group.prefix.size() > longest->prefix.size())) {
      longest = &group;
    }
  }
  if (longest != nullptr) return longest->multiplier;
  return name.starts_with(head_prefix) ? config.head_multiplier : 1.0;
}

void require_prefixes(const GraderModel& model, const OptimiserConfig& config) {
  const auto parameters = model.named_parameters();
  for (const RateGroup& group : config.groups) {
    if (std::none_of(parameters.begin(), parameters.end(),
                     [&](const auto& item) { return named_by(group.prefix, item.key()); })) {
      throw ConfigError(fmt::format("optimiser.groups: no parameter under '{}'; there is '{}'", group.prefix,
                                    parameters.front().key()));
    }
  }
}

}  // namespace

std::vector<ParameterGroup> parameter_groups(const GraderModel& model, const OptimiserConfig& config,
                                             Included included) {
  require_prefixes(model, config);
  std::map<std::pair<double, double>, ParameterGroup> groups;
  for (const auto& item : model.named_parameters()) {
    if (included == Included::kLearning && !item.value().requires_grad()) continue;
    const double multiplier = rate_multiplier(item.key(), model.head_prefix(), config);
    const double decay = item.value().dim() >= 2 ? config.weight_decay : 0.0;
    ParameterGroup& group = groups[{multiplier, decay}];
    group.rate_multiplier = multiplier;
    group.weight_decay = decay;
    group.parameters.push_back({item.key(), item.value()});
  }
  std::vector<ParameterGroup> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

Optimiser::Optimiser(std::vector<ParameterGroup> groups, const OptimiserConfig& config) : config_(config) {
  const bool adam = config.kind != OptimiserKind::kSgd;
  for (ParameterGroup& given : groups) {
    Group group{{}, given.rate_multiplier, given.weight_decay};
    for (NamedParameter& parameter : given.parameters) {
      group.slots.push_back(
          {parameter, torch::zeros({}, parameter.tensor.options().dtype(torch::kFloat32).requires_grad(false)),
           torch::zeros_like(parameter.tensor), adam ? torch::zeros_like(parameter.tensor) : torch::Tensor()});
    }
    if (!group.slots.empty()) groups_.push_back(std::move(group));
  }
  const bool learns = std::any_of(groups_.begin(), groups_.end(), [](const Group& group) {
    return std::any_of(group.slots.begin(), group.slots.end(),
                       [](const Slot& slot) { return slot.parameter.tensor.requires_grad(); });
  });
  if (!learns) throw ConfigError("freeze: nothing is left to learn; free some blocks");
}

void Optimiser::zero_grad() {
  for (Group& group : groups_) {
    for (Slot& slot : group.slots) slot.parameter.tensor.mutable_grad().reset();
  }
}

std::vector<torch::Tensor> Optimiser::learning_parameters() const {
  std::vector<torch::Tensor> parameters;
  for (const Group& group : groups_) {
    for (const Slot& slot : group.slots) {
      if (slot.parameter.tensor.grad().defined()) parameters.push_back(slot.parameter.tensor);
    }
  }
  return parameters;
}

std::vector<torch::Tensor> Optimiser::gradients() const {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : learning_parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

void Optimiser::step(double learning_rate, double gradient_factor) {
  const torch::NoGradGuard no_grad;
  const auto parameters = learning_parameters();
  if (gradient_factor != 1.0) {
    for (const torch::Tensor& parameter : parameters) parameter.grad().mul_(gradient_factor);
  }
  if (config_.clip_norm > 0) torch::nn::utils::clip_grad_norm_(parameters, config_.clip_norm);
  for (Group& group : groups_) {
    if (config_.kind == OptimiserKind::kSgd) {
      step_sgd(group, learning_rate * group.rate_multiplier);
    } else {
      step_adam(group, learning_rate * group.rate_multiplier);
    }
  }
}

void Optimiser::step_adam(Group& group, double learning_rate) {
  std::vector<torch::Tensor> parameters, gradients, means, squares, steps;
  for (Slot& slot : group.slots) {
    if (!slot.parameter.tensor.grad().defined()) continue;
    slot.steps.add_(1.0);
    parameters.push_back(slot.parameter.tensor);
    gradients.push_back(slot.parameter.tensor.grad());
    means.push_back(slot.first);
    squares.push_back(slot.second);
    steps.push_back(slot.steps);
  }
  if (parameters.empty()) return;
  const auto fused = [&](auto operation) {
    operation(parameters, gradients, means, squares, {}, steps, learning_rate, config_.beta1, config_.beta2,
              group.weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false, {}, {});
  };
  using Operation = void (*)(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList,
                             at::TensorList, double, double, double, double, double, bool, bool,
                             const std::optional<at::Tensor>&, const std::optional<at::Tensor>&);
  if (config_.kind == OptimiserKind::kAdamW) {
    fused(static_cast<Operation>(at::_fused_adamw_));
  } else {
    fused(static_cast<Operation>(at::_fused_adam_));
  }
}

void Optimiser::step_sgd(Group& group, double learning_rate) {
  for (Slot& slot : group.slots) {
    if (!slot.parameter.tensor.grad().defined()) continue;
    slot.steps.add_(1.0);
    torch::Tensor step = slot.parameter.tensor.grad();
    if (group.weight_decay > 0) step = step.add(slot.parameter.tensor, group.weight_decay);
    if (config_.momentum > 0) {
      slot.first.mul_(config_.momentum).add_(step);
      step = config_.nesterov ? step.add(slot.first, config_.momentum) : slot.first;
    }
    slot.parameter.tensor.add_(step, -learning_rate);
  }
}

template <class F>
void Optimiser::for_each_state(const F& f) const {
  const bool adam = config_.kind != OptimiserKind::kSgd;
  for (const Group& group : groups_) {
    for (const Slot& slot : group.slots) {
      f("optimiser.steps." + slot.parameter.name, slot.steps);
      f((adam ? "optimiser.mean." : "optimiser.velocity.") + slot.parameter.name, slot.first);
      if (adam) f("optimiser.square." + slot.parameter.name, slot.second);
    }
  }
}

StateDict Optimiser::state() const {
  StateDict tensors;
  for_each_state([&](const std::string& name, const torch::Tensor& tensor) { tensors[name] = tensor; });
  return tensors;
}

void Optimiser::load(const StateDict& state, const std::string& file) {
  for_each_state([&](const std::string& name, torch::Tensor target) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != target.sizes()) {
      throw DataError(fmt::format("{}: {}: missing or of another shape; the checkpoint is of another run", file, name));
    }
    target.copy_(found->second);
  });
}

}  // namespace genu::train
