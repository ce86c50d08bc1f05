#include "train/models/freeze.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.h"
#include "train/models/grader_model.h"

namespace genu::train {

namespace {

using ModulePointer = std::shared_ptr<torch::nn::Module>;

// One layer with its place, in the order of the forward pass.
struct Layer {
  std::string name;
  ModulePointer module;
  std::size_t block;
  bool operator==(const Layer&) const = default;
};

bool is_batch_norm(const ModulePointer& module) {
  return std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(module) != nullptr;
}

std::vector<Layer> layers_of(const GraderModel& model) {
  std::vector<Layer> layers;
  const auto names = model.named_modules();
  const auto name_of = [&](const ModulePointer& module) {
    for (const auto& item : names) {
      if (item.value() == module) return item.key();
    }
    return std::string();
  };
  for (std::size_t i = 0; i < model.feature_blocks().size(); ++i) {
    for (const auto& module : model.feature_blocks()[i].modules) {
      for (const auto& part : module->modules()) {
        if (!part->parameters(/*recurse=*/false).empty()) layers.push_back({name_of(part), part, i});
      }
    }
  }
  return layers;
}

bool named_by(const std::string& prefix, const std::string& name) {
  return name == prefix || name.starts_with(prefix + ".");
}

void require_prefixes(const std::vector<std::string>& prefixes, const std::vector<Layer>& layers) {
  for (const std::string& prefix : prefixes) {
    if (std::none_of(layers.begin(), layers.end(), [&](const Layer& l) { return named_by(prefix, l.name); })) {
      throw ConfigError(fmt::format("freeze.learn: no layer '{}'; the first is '{}', the last '{}'", prefix,
                                    layers.front().name, layers.back().name));
    }
  }
}

std::size_t learning_blocks(const FreezeConfig& config, std::size_t block_count, int epoch) {
  switch (config.policy) {
    case FreezePolicy::kNone:
      return block_count;
    case FreezePolicy::kLastBlocks:
      return static_cast<std::size_t>(config.blocks);
    case FreezePolicy::kGradual:
      return std::min(block_count,
                      static_cast<std::size_t>(config.blocks) * static_cast<std::size_t>(epoch / config.every_epochs));
    default:
      return 0;
  }
}

// For each layer, whether it learns in this epoch.
std::vector<bool> learning(const FreezeConfig& config, const std::vector<Layer>& layers, std::size_t block_count,
                           int epoch) {
  const std::size_t last_blocks = learning_blocks(config, block_count, epoch);
  std::vector<bool> learns(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    learns[i] = layers[i].block + last_blocks >= block_count;
    if (config.policy == FreezePolicy::kLastLayers) {
      learns[i] = i + static_cast<std::size_t>(config.layers) >= layers.size();
    }
    if (config.policy == FreezePolicy::kByName) {
      learns[i] = std::any_of(config.learn.begin(), config.learn.end(),
                              [&](const std::string& prefix) { return named_by(prefix, layers[i].name); });
    }
    if (config.batch_norm && is_batch_norm(layers[i].module)) learns[i] = false;
  }
  return learns;
}

}  // namespace

void FreezeConfig::list_fields(FieldList& fields) {
  fields.choice("policy", policy,
                {{"none", FreezePolicy::kNone},
                 {"head_only", FreezePolicy::kHeadOnly},
                 {"last_blocks", FreezePolicy::kLastBlocks},
                 {"last_layers", FreezePolicy::kLastLayers},
                 {"by_name", FreezePolicy::kByName},
                 {"gradual", FreezePolicy::kGradual}},
                "which parts learn: all; the head; the head and the last feature blocks, the last layers or the named "
                "ones; the head, then more blocks from time to time");
  fields.add("blocks", blocks, Range{0, 1000},
             "feature blocks that learn beside the head (last_blocks), or that join at a time (gradual)");
  fields.add("layers", layers, Range{0, 10000}, "layers with weights that learn beside the head, with last_layers");
  fields.add("learn", learn, Range<int>{0, 1000}, "prefixes of layers that learn beside the head, with by_name");
  fields.add("every_epochs", every_epochs, Range{1, 100000}, "epochs between two steps of gradual");
  fields.add("batch_norm", batch_norm, "freeze every batch norm, in learning blocks too");
  fields.add("cache_mb", cache_mb, Range{0, 1 << 30},
             "memory for what frozen blocks give, kept where nothing is augmented; 0 = compute it each time");
}

FrozenLayers::FrozenLayers(GraderModel& model, const FreezeConfig& config) : config_(config) {
  const std::size_t block_count = model.feature_blocks().size();
  const auto layers = layers_of(model);
  if (config.policy == FreezePolicy::kLastBlocks && static_cast<std::size_t>(config.blocks) > block_count) {
    throw ConfigError(
        fmt::format("freeze.blocks: {} blocks cannot learn, the network has {}", config.blocks, block_count));
  }
  if (config.policy == FreezePolicy::kLastLayers && static_cast<std::size_t>(config.layers) > layers.size()) {
    throw ConfigError(
        fmt::format("freeze.layers: {} layers cannot learn, the network has {}", config.layers, layers.size()));
  }
  if (config.policy == FreezePolicy::kByName) require_prefixes(config.learn, layers);
  begin_epoch(model, 0);
  if (config.policy == FreezePolicy::kNone || config.policy == FreezePolicy::kGradual) return;
  fixed_blocks_ = block_count;
  const auto learns = learning(config, layers, block_count, 0);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (learns[i]) fixed_blocks_ = std::min(fixed_blocks_, layers[i].block);
  }
}

void FrozenLayers::begin_epoch(GraderModel& model, int epoch) {
  const std::size_t block_count = model.feature_blocks().size();
  const auto layers = layers_of(model);
  const auto learns = learning(config_, layers, block_count, epoch);
  frozen_.clear();
  std::vector<bool> block_learns(block_count, false);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (torch::Tensor& parameter : layers[i].module->parameters(/*recurse=*/false)) {
      parameter.set_requires_grad(learns[i]);
    }
    if (!learns[i]) frozen_.push_back(layers[i].module);
    block_learns[layers[i].block] = block_learns[layers[i].block] || learns[i];
  }
  for (std::size_t i = 0; i < block_count; ++i) {
    const FeatureBlock& block = model.feature_blocks()[i];
    // What belongs to no layer goes with its block.
    for (torch::Tensor parameter : block.loose_parameters) parameter.set_requires_grad(block_learns[i]);
    // A block that is frozen whole drops no samples either.
    if (!block_learns[i]) frozen_.insert(frozen_.end(), block.modules.begin(), block.modules.end());
  }
}

void FrozenLayers::set_training_mode(GraderModel& model) const {
  model.train();
  for (const auto& layer : frozen_) layer->eval();
}

}  // namespace genu::train
