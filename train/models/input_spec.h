// The image that a network takes.
#pragma once

#include "train/models/registry.h"

namespace genu::train {

struct InputSpec {
  int channels = 1;  // that the first convolution takes
  int size_px = 0;   // side the network was designed for
  // Convolutional networks with pooling at the end take other sides too.
  enum class Sides { kFixed, kAny } sides = Sides::kFixed;
};

// Side of the input of a configured network: `wanted_px`, or the network's own if that is 0.
// Throws ConfigError if the network takes its own side alone, or on an unknown name.
int input_side_px(const ModelConfig& config, int wanted_px);

}  // namespace genu::train
