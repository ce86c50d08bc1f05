// How strictly a weights file must fit a model.
#pragma once

#include <cstdint>
#include <string>

namespace genu::train {

enum class HeadPolicy : std::uint8_t {
  kMustMatch,  // every name and shape
  kSwap,       // tensors under the model's head prefix that are missing or of another shape stay as initialised
};

enum class ChannelPolicy : std::uint8_t {
  kMustMatch,
  kFold,  // the first convolution of a colour network serves a grey one: its three channels' weights are added up,
          // which gives what three equal channels give
};

struct LoadOptions {
  HeadPolicy head = HeadPolicy::kMustMatch;
  ChannelPolicy channels = ChannelPolicy::kMustMatch;
  std::string head_prefix = {};  // "classifier."; used with kSwap
};

}  // namespace genu::train
