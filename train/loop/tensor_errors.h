// LibTorch's exceptions as our own.
#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "core/errors.h"

namespace genu::train {

[[noreturn]] void rethrow_as_ours(const c10::Error& error);

// Calls `work`; memory that cannot be had becomes an IoError that says what to do, every other complaint of LibTorch an
// InternalError of one line.
template <class Work>
auto tensor_work(const Work& work) {
  try {
    return work();
  } catch (const c10::Error& error) {
    rethrow_as_ours(error);
  }
}

}  // namespace genu::train
