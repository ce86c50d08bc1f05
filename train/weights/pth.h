// PyTorch's .pth files: a zip archive of data.pkl (names, shapes) and one entry a storage.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/weights/state_dict.h"

namespace genu::train {

// The state dict in a file that torch.save wrote: an OrderedDict or a dict of tensors, or a dict that holds one under
// "state_dict", "model_state_dict" or "model". A prefix "module." that every name has (DataParallel) is taken off.
// `name` begins every message. Throws DataError.
StateDict parse_pth(std::vector<std::uint8_t> bytes, const std::string& name);

// Whether the bytes are a .pth from before PyTorch 1.6, which parse_pth() does not read.
bool looks_like_legacy_pth(const std::vector<std::uint8_t>& bytes);

}  // namespace genu::train
