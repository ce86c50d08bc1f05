#include "train/loop/tensor_runtime.h"

#include <torch/torch.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <limits>

namespace genu::train {

void prepare_tensor_runtime(int threads) {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_MAX, 0);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
  if (threads > 0) torch::set_num_threads(threads);
}

std::string tensor_library_version() { return TORCH_VERSION; }

}  // namespace genu::train
