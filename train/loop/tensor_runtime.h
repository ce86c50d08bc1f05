// How the process does tensor work: threads and memory. Call once, before any tensor is made.
#pragma once

#include <string>

namespace genu::train {

// threads: processor threads for tensor work, 0 = one a core.
// Also tells the C library to keep freed memory: a training step frees and takes the same gigabyte of activations
// again, and fetching it from the kernel each time cost a seventh of a step.
void prepare_tensor_runtime(int threads);

// LibTorch's version, for run records.
std::string tensor_library_version();

}  // namespace genu::train
