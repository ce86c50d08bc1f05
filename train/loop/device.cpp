#include "train/loop/device.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include "core/errors.h"

namespace genu::train {

DeviceChoice resolved(DeviceChoice choice) {
  const bool present = torch::cuda::is_available();
  if (choice == DeviceChoice::kCuda && !present) {
    throw UsageError(
        "device: cuda: LibTorch sees no CUDA device here; set device to auto or cpu, or use a LibTorch built for CUDA "
        "on "
        "a machine with a GPU");
  }
  return choice == DeviceChoice::kAuto && present ? DeviceChoice::kCuda
         : choice == DeviceChoice::kAuto          ? DeviceChoice::kCpu
                                                  : choice;
}

c10::Device device_of(DeviceChoice choice, int index) {
  if (resolved(choice) == DeviceChoice::kCpu) return c10::Device(c10::kCPU);
  if (index >= static_cast<int>(torch::cuda::device_count())) {
    throw UsageError(fmt::format("local rank {} has no GPU: LibTorch sees {}; start one rank a GPU", index,
                                 static_cast<int>(torch::cuda::device_count())));
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

}  // namespace genu::train
