#include "train/explain/regions.h"

#include <cmath>

#include "core/errors.h"

namespace genu::train {

Region region_of_label(std::uint8_t label) {
  switch (label) {
    case 2:
    case 3:
    case 4:
    case 5:
      return Region::kBone;
    case 6:
      return Region::kJointSpace;
    case 7:
      return Region::kOsteophyte;
    case 8:
      return Region::kSclerosis;
    case 9:
      return Region::kCyst;
    default:
      return Region::kBackground;
  }
}

std::optional<double> RegionShares::ratio(std::span<const Region> regions) const {
  double energy_sum = 0, area_sum = 0;
  for (const Region region : regions) {
    energy_sum += energy[static_cast<std::size_t>(region)];
    area_sum += area[static_cast<std::size_t>(region)];
  }
  if (!(total_energy > 0) || !(area_sum > 0)) return std::nullopt;
  return energy_sum / area_sum;
}

RegionShares region_shares(std::span<const float> map, std::span<const std::uint8_t> labels) {
  if (map.empty() || map.size() != labels.size()) throw InternalError("an explanation and its labels differ in size");
  RegionShares shares;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (!std::isfinite(map[i])) throw DataError("an explanation is not finite; the model diverged, train it again");
    const auto region = static_cast<std::size_t>(region_of_label(labels[i]));
    shares.energy[region] += static_cast<double>(map[i]);
    shares.area[region] += 1;
    shares.total_energy += static_cast<double>(map[i]);
  }
  for (std::size_t region = 0; region < kRegionCount; ++region) {
    if (shares.total_energy > 0) shares.energy[region] /= shares.total_energy;
    shares.area[region] /= static_cast<double>(map.size());
  }
  return shares;
}

}  // namespace genu::train
