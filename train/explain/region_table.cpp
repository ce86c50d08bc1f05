#include "train/explain/region_table.h"

#include <fmt/format.h>

#include "core/csv.h"

namespace genu::train {

namespace {

struct RowOfRegions {
  std::string_view name;
  std::vector<Region> regions;
};

// Each region, and the lesions together behind the cysts.
const std::vector<RowOfRegions>& rows() {
  static const std::vector<RowOfRegions> all = {{"joint_space", {Region::kJointSpace}},
                                                {"osteophyte", {Region::kOsteophyte}},
                                                {"sclerosis", {Region::kSclerosis}},
                                                {"cyst", {Region::kCyst}},
                                                {"lesions", {Region::kOsteophyte, Region::kSclerosis, Region::kCyst}},
                                                {"bone", {Region::kBone}},
                                                {"background", {Region::kBackground}}};
  return all;
}

double sum_over(const std::array<double, kRegionCount>& shares, const std::vector<Region>& regions) {
  double sum = 0;
  for (const Region region : regions) sum += shares[static_cast<std::size_t>(region)];
  return sum;
}

double mean(double sum, std::size_t count) { return count > 0 ? sum / static_cast<double>(count) : 0.0; }

std::string grade_name(std::size_t grade) { return grade < kKlGradeCount ? std::to_string(grade) : "all"; }

}  // namespace

std::vector<std::string> RegionTable::columns() {
  std::vector<std::string> names = {"energy"};
  for (const auto& row : rows()) {
    for (const char* what : {"energy", "area", "ratio"}) names.push_back(fmt::format("{}_{}", what, row.name));
  }
  return names;
}

std::vector<std::string> RegionTable::cells(const RegionShares& shares) {
  std::vector<std::string> out = {fmt::format("{:.6g}", shares.total_energy)};
  for (const auto& row : rows()) {
    const auto ratio = shares.ratio(row.regions);
    out.push_back(shares.total_energy > 0 ? fmt::format("{:.6f}", sum_over(shares.energy, row.regions)) : "");
    out.push_back(fmt::format("{:.6f}", sum_over(shares.area, row.regions)));
    out.push_back(ratio ? fmt::format("{:.4f}", *ratio) : "");
  }
  return out;
}

void RegionTable::add_to(Sums& sums, const RegionShares& shares) {
  ++sums.samples;
  if (!(shares.total_energy > 0)) {
    ++sums.empty;
    return;
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto& regions = rows()[r].regions;
    sums.energy[r] += sum_over(shares.energy, regions);
    sums.area[r] += sum_over(shares.area, regions);
    if (const auto ratio = shares.ratio(regions)) {
      sums.ratio[r] += *ratio;
      ++sums.with_ratio[r];
    }
  }
}

void RegionTable::add(int grade, const RegionShares& shares) {
  add_to(sums_.at(static_cast<std::size_t>(grade)), shares);
  add_to(sums_.back(), shares);
}

std::string RegionTable::csv() const {
  std::string text = csv_line({"kl", "samples", "empty", "region", "energy_share", "area_share", "ratio"});
  for (std::size_t grade = 0; grade < sums_.size(); ++grade) {
    const Sums& sums = sums_[grade];
    const std::size_t used = sums.samples - sums.empty;
    for (std::size_t r = 0; r < kRows; ++r) {
      text += csv_line({grade_name(grade), std::to_string(sums.samples), std::to_string(sums.empty),
                        std::string(rows()[r].name), used > 0 ? fmt::format("{:.6f}", mean(sums.energy[r], used)) : "",
                        used > 0 ? fmt::format("{:.6f}", mean(sums.area[r], used)) : "",
                        sums.with_ratio[r] > 0 ? fmt::format("{:.4f}", mean(sums.ratio[r], sums.with_ratio[r])) : ""});
    }
  }
  return text;
}

nlohmann::ordered_json RegionTable::json() const {
  nlohmann::ordered_json out;
  for (std::size_t grade = 0; grade < sums_.size(); ++grade) {
    const Sums& sums = sums_[grade];
    const std::size_t used = sums.samples - sums.empty;
    auto& row = out[grade_name(grade)];
    row = {{"samples", sums.samples}, {"empty", sums.empty}};
    for (std::size_t r = 0; r < kRows && used > 0; ++r) {
      row[std::string(rows()[r].name)] = {
          {"energy_share", mean(sums.energy[r], used)},
          {"area_share", mean(sums.area[r], used)},
          {"ratio", sums.with_ratio[r] > 0 ? nlohmann::ordered_json(mean(sums.ratio[r], sums.with_ratio[r]))
                                           : nlohmann::ordered_json(nullptr)}};
    }
  }
  return out;
}

std::string RegionTable::text() const {
  std::string out = "share of the map's energy, in brackets: times the region's share of the picture\n";
  out += fmt::format("{:>5} {:>8} {:>6}", "grade", "samples", "empty");
  for (const auto& row : rows()) out += fmt::format("  {:>15}", row.name);
  out += "\n";
  for (std::size_t grade = 0; grade < sums_.size(); ++grade) {
    const Sums& sums = sums_[grade];
    const std::size_t used = sums.samples - sums.empty;
    out += fmt::format("{:>5} {:>8} {:>6}", grade_name(grade), sums.samples, sums.empty);
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::string ratio =
          sums.with_ratio[r] > 0 ? fmt::format("({:.2f})", mean(sums.ratio[r], sums.with_ratio[r])) : "(-)";
      out += used > 0 ? fmt::format("  {:>6.4f} {:>8}", mean(sums.energy[r], used), ratio)
                      : fmt::format("  {:>6} {:>8}", "-", ratio);
    }
    out += "\n";
  }
  return out;
}

}  // namespace genu::train
