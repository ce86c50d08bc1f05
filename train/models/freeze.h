// Which parts of a network learn.
#pragma once

#include <memory>
#include <vector>

#include "core/config.h"

namespace torch::nn {
class Module;
}

namespace genu::train {

class GraderModel;

enum class FreezePolicy : std::uint8_t {
  kNone,        // everything learns
  kHeadOnly,    // the head learns
  kLastBlocks,  // the head and the last `blocks` feature blocks learn
};

struct FreezeConfig {
  FreezePolicy policy = FreezePolicy::kNone;
  int blocks = 5;
  void list_fields(FieldList& fields);
  bool operator==(const FreezeConfig&) const = default;
};

// The frozen blocks of a model: their parameters take no gradient and their batch norms stay in evaluation mode, so
// that neither weights nor running statistics move.
class FrozenBlocks {
 public:
  // Turns gradients off. Throws ConfigError if more blocks are to learn than there are.
  FrozenBlocks(GraderModel& model, const FreezeConfig& config);

  // Puts the model into training mode, the frozen blocks into evaluation mode.
  void set_training_mode(GraderModel& model) const;
  std::size_t count() const { return blocks_.size(); }

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> blocks_;
};

}  // namespace genu::train
