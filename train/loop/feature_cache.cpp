#include "train/loop/feature_cache.h"

#include <fmt/format.h>

#include "core/log.h"

namespace genu::train {

torch::Tensor FeatureCache::compute(const torch::Tensor& image) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor maps = model_.run_blocks(model_.prepare(image), 0, options_.blocks);
  // A copy of its own: a view would keep all of the activations alive.
  return (options_.blocks == model_.feature_blocks().size() ? model_.pool(maps) : maps).clone();
}

std::optional<torch::Tensor> FeatureCache::features(const torch::Tensor& pixels,
                                                    const std::vector<std::size_t>& samples) {
  std::vector<torch::Tensor> rows;
  for (std::size_t i = 0; i < samples.size() && !too_large_; ++i) {
    auto found = stored_.find(samples[i]);
    if (found == stored_.end()) {
      const torch::Tensor row = compute(pixels.narrow(0, static_cast<std::int64_t>(i), 1));
      if (stored_.empty() && row.nbytes() * options_.image_count > options_.largest_bytes) {
        too_large_ = true;
        log_info(
            fmt::format("features of the frozen blocks are computed anew each time: keeping them would take {} MB, "
                        "freeze.cache_mb allows {}",
                        row.nbytes() * options_.image_count >> 20, options_.largest_bytes >> 20));
        break;
      }
      found = stored_.emplace(samples[i], row).first;
    }
    rows.push_back(found->second);
  }
  if (too_large_) return std::nullopt;
  return torch::cat(rows);
}

torch::Tensor FeatureCache::finish(const torch::Tensor& features) const {
  const std::size_t all = model_.feature_blocks().size();
  if (options_.blocks == all) return model_.classify(features);
  return model_.classify(model_.pool(model_.run_blocks(features, options_.blocks, all)));
}

}  // namespace genu::train
