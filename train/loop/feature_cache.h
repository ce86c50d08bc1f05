// What the fixed blocks of a network give for each image, computed once.
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "train/models/grader_model.h"

namespace genu::train {

struct CacheOptions {
  std::size_t blocks = 0;         // feature blocks, from the image on, whose output is kept; all = with the pooling
  std::size_t largest_bytes = 0;  // what the features of all images may take
  std::size_t image_count = 0;    // at most so many different images come
};

// Features of an image are computed from it alone, whatever batch it comes in, so that their bits depend on nothing
// else and a resumed run meets the same ones. Not thread-safe.
class FeatureCache {
 public:
  // Keeps a reference to the model, whose first `blocks` blocks must not change.
  FeatureCache(GraderModel& model, const CacheOptions& options) : model_(model), options_(options) {}

  // Features of the batch [n, c, h, w], whose images are identified by `samples`, or nothing if those of all images
  // would take more memory than allowed; the first batch decides.
  std::optional<torch::Tensor> features(const torch::Tensor& pixels, const std::vector<std::size_t>& samples);
  // The rest of the network.
  torch::Tensor finish(const torch::Tensor& features) const;
  std::size_t stored() const { return stored_.size(); }

 private:
  torch::Tensor compute(const torch::Tensor& image) const;

  GraderModel& model_;
  CacheOptions options_;
  std::unordered_map<std::size_t, torch::Tensor> stored_;
  bool too_large_ = false;
};

}  // namespace genu::train
