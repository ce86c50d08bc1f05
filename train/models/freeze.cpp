#include "train/models/freeze.h"

#include <fmt/format.h>

#include "core/errors.h"
#include "train/models/grader_model.h"

namespace genu::train {

void FreezeConfig::list_fields(FieldList& fields) {
  fields.choice("policy", policy,
                {{"none", FreezePolicy::kNone},
                 {"head_only", FreezePolicy::kHeadOnly},
                 {"last_blocks", FreezePolicy::kLastBlocks}},
                "which parts learn: all; the head; the head and the last feature blocks");
  fields.add("blocks", blocks, Range{0, 1000}, "feature blocks that learn beside the head, with last_blocks");
}

FrozenBlocks::FrozenBlocks(GraderModel& model, const FreezeConfig& config) {
  if (config.policy == FreezePolicy::kNone) return;
  blocks_ = model.feature_blocks();
  const std::size_t learning = config.policy == FreezePolicy::kLastBlocks ? static_cast<std::size_t>(config.blocks) : 0;
  if (learning > blocks_.size()) {
    throw ConfigError(
        fmt::format("freeze.blocks: {} blocks cannot learn, the network has {}", learning, blocks_.size()));
  }
  blocks_.resize(blocks_.size() - learning);
  for (const auto& block : blocks_) {
    for (torch::Tensor& parameter : block->parameters()) parameter.set_requires_grad(false);
  }
}

void FrozenBlocks::set_training_mode(GraderModel& model) const {
  model.train();
  for (const auto& block : blocks_) block->eval();
}

}  // namespace genu::train
