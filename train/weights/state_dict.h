// Named tensors of a module, and their way to and from files.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "train/weights/load_options.h"
#include "train/weights/safetensors.h"

namespace genu::train {

// Tensors by name. On the CPU, contiguous.
using StateDict = std::map<std::string, torch::Tensor>;

// Parameters and buffers under torchvision's names. The tensors share memory with the module.
StateDict state_dict(const torch::nn::Module& module);

torch::Tensor to_tensor(const TensorView& view);
StateDict to_state_dict(const Safetensors& file);

// Reads a weights file, safetensors or PyTorch's .pth; the kind is told by its first bytes. Throws IoError, DataError.
StateDict read_weights(const std::filesystem::path& path);

void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const std::map<std::string, std::string>& metadata);

struct WrongShape {
  std::string name;
  std::vector<std::int64_t> in_file;
  std::vector<std::int64_t> in_model;
};

// What did not match, each list in name order.
struct LoadReport {
  std::size_t loaded = 0;
  std::vector<std::string> missing;     // in the model, not in the file
  std::vector<std::string> unexpected;  // in the file, not in the model
  std::vector<WrongShape> wrong_shape;
  std::vector<std::string> left_fresh;  // head tensors kept as initialised, on request
  std::vector<std::string> folded;      // first convolutions folded from three channels to one, on request

  bool matches() const { return missing.empty() && unexpected.empty() && wrong_shape.empty(); }
  // One line: the counts and the first few names of each list.
  std::string text() const;
};

// Copies what matches into the module, converting the element type, and says what did not. Nothing is copied unless
// everything matches (or is head, with kSwap). A counter num_batches_tracked that the file lacks, as files from before
// PyTorch 0.4.1 do, stays as it is.
LoadReport load_state(torch::nn::Module& module, const StateDict& tensors, const LoadOptions& options);

// load_state() that throws DataError "FILE: report" unless everything matched.
LoadReport load_state_or_throw(torch::nn::Module& module, const StateDict& tensors, const LoadOptions& options,
                               const std::string& file);

}  // namespace genu::train
