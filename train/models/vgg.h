// VGG-16 and -19 without batch norm (Simonyan and Zisserman, ICLR 2015), with torchvision's tensor names and
// initialisation.
#pragma once

#include "train/models/grader_model.h"

namespace genu::train {

// Any side >= 32: the maps are averaged to 7 x 7, as torchvision does.
inline constexpr InputSpec kVggInput = {3, 224, InputSpec::Sides::kAny};

enum class VggDepth : std::uint8_t { k16, k19 };

// Feature blocks: one a convolution, with the max-pool behind it where there is one. Published with dropout 0.5; the
// published head has two hidden layers of 4,096.
std::shared_ptr<GraderModel> make_vgg(VggDepth depth, const ModelOptions& options);

}  // namespace genu::train
