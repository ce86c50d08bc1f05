#include "train/loop/knee_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/errors.h"
#include "train/weights/state_dict.h"

namespace genu::train {

torch::Tensor KneeStatistics::distance(const torch::Tensor& features) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor centred = features.to(torch::kFloat64) - mean.to(torch::kFloat64);
  const torch::Tensor along = centred.matmul(axes.to(torch::kFloat64).t());
  const torch::Tensor off = (centred.square().sum(1) - along.square().sum(1)).clamp_min(0);
  const torch::Tensor squares =
      (along / axis_sd.to(torch::kFloat64)).square().sum(1) + off / rest_sd.to(torch::kFloat64).square();
  return (squares / static_cast<double>(mean.size(0))).sqrt();
}

KneeStatistics fit_knee_statistics(const torch::Tensor& features, int axes) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor values = features.to(torch::kFloat64);
  const torch::Tensor mean = values.mean(0);
  const torch::Tensor centred = values - mean;
  const torch::Tensor covariance = centred.t().matmul(centred) / static_cast<double>(values.size(0) - 1);
  const auto [variances, directions] = torch::linalg_eigh(covariance);  // ascending
  const std::int64_t count = values.size(1), rest = count - axes;
  if (!(rest >= 1) || !(variances.narrow(0, 0, rest).mean().item<double>() > 0) ||
      !(variances[rest].item<double>() > 0)) {
    throw DataError(
        fmt::format("{} images with {} features do not vary in more than {} directions; export with fewer --components",
                    values.size(0), count, axes));
  }
  const auto stored = [](const torch::Tensor& tensor) { return tensor.to(torch::kFloat32).contiguous(); };
  return {.mean = stored(mean),
          .axes = stored(directions.narrow(1, rest, axes).flip(1).t()),
          .axis_sd = stored(variances.narrow(0, rest, axes).flip(0).sqrt()),
          .rest_sd = stored(variances.narrow(0, 0, rest).mean().sqrt())};
}

double distance_quantile(const torch::Tensor& distances, double share) {
  const torch::Tensor sorted = std::get<0>(distances.to(torch::kFloat64).sort());
  const double last = static_cast<double>(sorted.size(0));
  const auto position = static_cast<std::int64_t>(std::ceil(share * last)) - 1;
  return sorted[std::clamp<std::int64_t>(position, 0, sorted.size(0) - 1)].item<double>();
}

void write_knee_statistics(const std::filesystem::path& path, const KneeStatistics& statistics) {
  write_safetensors(path,
                    {{"mean", statistics.mean},
                     {"axes", statistics.axes},
                     {"axis_sd", statistics.axis_sd},
                     {"rest_sd", statistics.rest_sd}},
                    {{"format", "pt"}});
}

KneeStatistics read_knee_statistics(const std::filesystem::path& path) {
  const Safetensors file = Safetensors::read(path);
  KneeStatistics out{.mean = to_tensor(file.tensor("mean")),
                     .axes = to_tensor(file.tensor("axes")),
                     .axis_sd = to_tensor(file.tensor("axis_sd")),
                     .rest_sd = to_tensor(file.tensor("rest_sd"))};
  const bool fits = out.mean.dim() == 1 && out.axes.dim() == 2 && out.axis_sd.dim() == 1 && out.rest_sd.dim() == 0 &&
                    out.axes.size(1) == out.mean.size(0) && out.axes.size(0) == out.axis_sd.size(0) &&
                    out.axes.size(0) < out.mean.size(0);
  const auto sound = [](const torch::Tensor& tensor) {
    return tensor.scalar_type() == torch::kFloat32 && tensor.isfinite().all().item<bool>();
  };
  if (!fits || !sound(out.mean) || !sound(out.axes) || !sound(out.axis_sd) || !sound(out.rest_sd) ||
      !(out.axis_sd > 0).all().item<bool>() || !(out.rest_sd.item<float>() > 0)) {
    throw DataError(path.string() + ": not what the features of knees look like; restore the file or export again");
  }
  return out;
}

}  // namespace genu::train
