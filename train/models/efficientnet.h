// EfficientNet-B0 and -B4 (Tan and Le, ICML 2019), with torchvision's tensor names and initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32; B4 was published at 380.
inline constexpr InputSpec kEfficientNetB0Input = {3, 224, InputSpec::Sides::kAny};
inline constexpr InputSpec kEfficientNetB4Input = {3, 380, InputSpec::Sides::kAny};

enum class EfficientNetSize : std::uint8_t { kB0, kB4 };

// Feature blocks: the stem, one an inverted residual, the last 1 x 1 convolution. Published with dropout 0.2 (B0) and
// 0.4 (B4). In training, residual branches are dropped with a probability that grows to 0.2 with depth, as published;
// none are where the head drops nothing.
std::shared_ptr<GraderModel> make_efficientnet(EfficientNetSize size, const ModelOptions& options);

}  // namespace genu::train
