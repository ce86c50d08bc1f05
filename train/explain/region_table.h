// Region shares of many knees, as a table by grade.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/kl_grade.h"
#include "train/explain/regions.h"

namespace genu::train {

class RegionTable {
 public:
  // Of one knee, for a row of a CSV: energy, then for each region and for "lesions" (osteophyte, sclerosis and cyst
  // together) energy_R, area_R and ratio_R. A cell is empty where it is not defined.
  static std::vector<std::string> columns();
  static std::vector<std::string> cells(const RegionShares& shares);

  void add(int grade, const RegionShares& shares);

  // Columns kl (or "all"), samples, empty (maps without energy), region, energy_share, area_share, ratio. Shares are
  // means over the knees whose map is not empty; a ratio is the mean over those of them that have the region.
  std::string csv() const;
  nlohmann::ordered_json json() const;
  // For people: a row a grade, the mean energy share of each region and its ratio in brackets.
  std::string text() const;

 private:
  static constexpr std::size_t kRows = kRegionCount + 1;  // and lesions
  struct Sums {
    std::size_t samples = 0;
    std::size_t empty = 0;
    std::array<double, kRows> energy{};
    std::array<double, kRows> area{};
    std::array<double, kRows> ratio{};
    std::array<std::size_t, kRows> with_ratio{};
  };
  static void add_to(Sums& sums, const RegionShares& shares);

  std::array<Sums, kKlGradeCount + 1> sums_;  // by grade, then all
};

}  // namespace genu::train
