// What the features of known knees look like, and how far from them a picture's are: a picture of something else gets
// grades like any other, but not such features.
//
// A normal distribution with full variance along the leading principal axes and one common variance across the rest
// (probabilistic principal components: Tipping and Bishop, J. R. Stat. Soc. B 61, 1999). Its Mahalanobis distance holds
// both what Lee et al. (NeurIPS 2018) measure, along the axes, and what Wang et al. (ViM, CVPR 2022) do, off them.
#pragma once

#include <torch/torch.h>

#include <filesystem>

namespace genu::train {

struct KneeStatistics {
  torch::Tensor mean;     // float32 [features]
  torch::Tensor axes;     // float32 [axes, features], orthonormal rows
  torch::Tensor axis_sd;  // float32 [axes], > 0, largest first
  torch::Tensor rest_sd;  // float32 [], > 0: of each direction off the axes

  // Root mean square of a picture's deviations in SDs over all directions, float64 [n]: about 1 for what was fitted.
  // Requires features [n, features].
  torch::Tensor distance(const torch::Tensor& features) const;
};

// Requires features [n, features], n >= 2. Throws DataError where they do not vary in more directions than `axes`.
KneeStatistics fit_knee_statistics(const torch::Tensor& features, int axes);

// The distance that this share of them (0..1) does not exceed. Requires at least one.
double distance_quantile(const torch::Tensor& distances, double share);

// Throws IoError.
void write_knee_statistics(const std::filesystem::path& path, const KneeStatistics& statistics);
// Throws IoError, or DataError if the file is damaged.
KneeStatistics read_knee_statistics(const std::filesystem::path& path);

}  // namespace genu::train
