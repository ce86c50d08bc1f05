// Which parts of a network learn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
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
  kLastLayers,  // the head and the last `layers` layers with weights learn
  kByName,      // the head and the layers under the prefixes of `learn`
  kGradual,     // the head; then, every `every_epochs` epochs, `blocks` feature blocks more
};

struct FreezeConfig {
  FreezePolicy policy = FreezePolicy::kNone;
  int blocks = 5;
  int layers = 20;
  std::vector<std::string> learn = {};
  int every_epochs = 1;
  bool batch_norm = false;
  int cache_mb = 2048;
  void list_fields(FieldList& fields);
  bool operator==(const FreezeConfig&) const = default;
};

// The frozen layers of a model: their parameters take no gradient and their batch norms stay in evaluation mode, so
// that neither weights nor running statistics move. A layer is a module with parameters of its own.
class FrozenLayers {
 public:
  // As in epoch 0 of the phase. Throws ConfigError if more blocks or layers are to learn than there are, or if a prefix
  // names no layer.
  FrozenLayers(GraderModel& model, const FreezeConfig& config);

  // Sets what takes a gradient in this epoch (from 0) of the phase. A pure function of its arguments.
  void begin_epoch(GraderModel& model, int epoch);
  // Puts the model into training mode, the frozen layers into evaluation mode.
  void set_training_mode(GraderModel& model) const;
  // Feature blocks, from the image on, that no epoch of the phase changes: their output can be stored.
  std::size_t fixed_blocks() const { return fixed_blocks_; }

 private:
  FreezeConfig config_;
  std::vector<std::shared_ptr<torch::nn::Module>> frozen_;
  std::size_t fixed_blocks_ = 0;
};

}  // namespace genu::train
