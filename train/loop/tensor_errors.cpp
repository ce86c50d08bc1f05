#include "train/loop/tensor_errors.h"

namespace genu::train {

void rethrow_as_ours(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  if (text.find("can't allocate memory") != std::string::npos || text.find("out of memory") != std::string::npos) {
    throw IoError("out of memory for tensors; use a smaller data.batch_size, validation.batch_size or data.size_px");
  }
  throw InternalError("tensor library: " + text.substr(0, text.find('\n')));
}

}  // namespace genu::train
