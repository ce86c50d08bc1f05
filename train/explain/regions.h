// How much of an explanation lies where: a map's energy against the label map of the same synthetic knee.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace genu::train {

// Of the labels in docs/dataset_format.md: 6; 7; 8; 9; 2 femur, 3 tibia, 4 fibula and 5 patella; all the rest.
enum class Region : std::uint8_t { kJointSpace, kOsteophyte, kSclerosis, kCyst, kBone, kBackground };
inline constexpr std::size_t kRegionCount = 6;
inline constexpr std::array<std::string_view, kRegionCount> kRegionNames = {"joint_space", "osteophyte", "sclerosis",
                                                                            "cyst",        "bone",       "background"};

Region region_of_label(std::uint8_t label);

struct RegionShares {
  std::array<double, kRegionCount> energy{};  // share of the map's sum, sum 1; 0 everywhere where the map is empty
  std::array<double, kRegionCount> area{};    // share of the pixels, sum 1
  double total_energy = 0;                    // sum of the map

  // How many times more energy a pixel of these regions holds than one of the whole picture. Nothing where the regions
  // or the map are empty.
  std::optional<double> ratio(std::span<const Region> regions) const;
};

// map    [height, width], >= 0
// labels the label of each of its pixels
// Throws InternalError unless both have the same size, not 0; DataError if the map holds a value that is not finite.
RegionShares region_shares(std::span<const float> map, std::span<const std::uint8_t> labels);

}  // namespace genu::train
