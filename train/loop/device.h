// Where tensors lie and are computed with.
#pragma once

#include <c10/core/Device.h>

#include "train/loop/train_config.h"

namespace genu::train {

// kAuto becomes kCuda where LibTorch finds a CUDA device, kCpu elsewhere. Throws UsageError on kCuda where there is
// none.
DeviceChoice resolved(DeviceChoice choice);

// The CPU, or the GPU number `index` of this machine (the local rank). Throws UsageError if there is no such one.
c10::Device device_of(DeviceChoice choice, int index);

}  // namespace genu::train
