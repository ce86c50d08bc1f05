// The image that a network takes.
#pragma once

#include <cstdint>

namespace genu::train {

struct InputSpec {
  int channels = 1;  // that the first convolution takes
  int size_px = 0;   // side the network was designed for
  // Convolutional networks with pooling at the end take other sides too.
  enum class Sides : std::uint8_t { kFixed, kAny } sides = Sides::kFixed;
  bool operator==(const InputSpec&) const = default;
};

// The same with `channels` channels, or as it is if that is 0.
constexpr InputSpec with_channels(InputSpec spec, int channels) {
  if (channels > 0) spec.channels = channels;
  return spec;
}

}  // namespace genu::train
