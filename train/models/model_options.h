// What a caller may choose about any network.
#pragma once

#include <cstdint>

namespace genu::train {

enum class HeadKind : std::uint8_t {
  kNative,         // as published with the network
  kLinear,         // one linear layer
  kDropoutLinear,  // dropout, linear layer
  kHidden,         // linear layer of 512, ReLU, dropout, linear layer
};

struct ModelOptions {
  int outputs = 5;
  HeadKind head = HeadKind::kNative;
  double dropout = 0.0;  // of the head, where it has any; 0 .. 1
  int channels = 0;      // of the image: 1 grey, 3 colour, 0 = as published
};

}  // namespace genu::train
