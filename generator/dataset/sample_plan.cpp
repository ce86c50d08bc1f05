#include "generator/dataset/sample_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace genu::generator {

namespace {

constexpr std::uint64_t kFirstPairStep = 8;  // steps use other stream addresses than grades

std::uint64_t address(Split split, std::uint64_t block, int index) {
  return (static_cast<std::uint64_t>(split) << 40) | (block << 32) | static_cast<std::uint64_t>(index);
}

int per_grade(const SplitConfig& splits, Split split) {
  switch (split) {
    case Split::kTrain:
      return splits.train_per_grade;
    case Split::kTest:
      return splits.test_per_grade;
    case Split::kSample:
      return splits.sample_per_grade;
  }
  return 0;
}

// Whole numbers in proportion to the weights that add up to `total`: largest remainders, ties to the lower grade.
std::array<std::size_t, kKlGradeCount> share_out(std::size_t total, const std::vector<double>& weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::array<std::size_t, kKlGradeCount> counts{};
  std::array<std::pair<double, int>, kKlGradeCount> remainders;
  std::size_t given = 0;
  for (std::size_t grade = 0; grade < kKlGradeCount; ++grade) {
    const double exact = static_cast<double>(total) * weights[grade] / sum;
    counts[grade] = static_cast<std::size_t>(exact);
    given += counts[grade];
    remainders[grade] = {-(exact - static_cast<double>(counts[grade])), static_cast<int>(grade)};
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; given < total; ++i, ++given) {
    ++counts[static_cast<std::size_t>(remainders[i % kKlGradeCount].second)];
  }
  return counts;
}

}  // namespace

std::string_view to_string(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kTest:
      return "test";
    case Split::kSample:
      return "sample";
  }
  return "";
}

PlannedSample planned_sample(Split split, KlGrade grade, int index) {
  PlannedSample sample;
  sample.split = split;
  sample.grade = grade;
  sample.index = index;
  sample.id = fmt::format("{}_{}_{:04}", to_string(split), grade.value(), index);
  sample.number = address(split, static_cast<std::uint64_t>(grade.value()), index);
  sample.subject = fmt::format("s{}{}{:06}", static_cast<int>(split) + 1, grade.value(), index);
  return sample;
}

PlannedSample planned_pair_member(Split split, KlGrade from, int index, KlGrade grade) {
  PlannedSample sample;
  sample.split = split;
  sample.grade = grade;
  sample.index = index;
  sample.pair = fmt::format("{}_pair{}_{:04}", to_string(split), from.value(), index);
  sample.pair_from = from;
  sample.id = fmt::format("{}_kl{}", sample.pair, grade.value());
  sample.number = address(split, kFirstPairStep + static_cast<std::uint64_t>(from.value()), index);
  sample.subject = fmt::format("p{}{}{:06}", static_cast<int>(split) + 1, from.value(), index);
  return sample;
}

SamplePlan::SamplePlan(const GenerateConfig& config) : pairs_(config.pairs) {
  for (const Split split : kSplits) {
    auto& counts = counts_[static_cast<std::size_t>(split)];
    const auto count = static_cast<std::size_t>(per_grade(config.splits, split));
    if (pairs_) {
      std::fill(counts.begin(), counts.begin() + static_cast<long>(blocks()), count);
    } else {
      counts = share_out(count * kKlGradeCount, config.cohort.grade_weights);
    }
    size_ += std::accumulate(counts.begin(), counts.end(), std::size_t{0}) * members();
  }
}

std::size_t SamplePlan::count(Split split, KlGrade grade) const {
  const auto& counts = counts_[static_cast<std::size_t>(split)];
  const auto g = static_cast<std::size_t>(grade.value());
  if (!pairs_) return counts[g];
  return (g + 1 < kKlGradeCount ? counts[g] : 0) + (g > 0 ? counts[g - 1] : 0);
}

PlannedSample SamplePlan::at(std::size_t position) const {
  std::size_t left = position;
  for (const Split split : kSplits) {
    for (std::size_t block = 0; block < blocks(); ++block) {
      const std::size_t samples = counts_[static_cast<std::size_t>(split)][block] * members();
      if (left >= samples) {
        left -= samples;
        continue;
      }
      const KlGrade first(static_cast<int>(block));
      if (!pairs_) return planned_sample(split, first, static_cast<int>(left));
      return planned_pair_member(split, first, static_cast<int>(left / 2),
                                 KlGrade(first.value() + static_cast<int>(left % 2)));
    }
  }
  throw std::out_of_range("SamplePlan::at: position " + std::to_string(position));
}

std::vector<PlannedSample> SamplePlan::sheet_row(int row, int columns) const {
  std::vector<PlannedSample> samples;
  const auto block = static_cast<std::size_t>(row);
  for (const Split split : kSplits) {
    const auto& counts = counts_[static_cast<std::size_t>(split)];
    if (std::all_of(counts.begin(), counts.end(), [](std::size_t n) { return n == 0; })) continue;
    const std::size_t most = std::min(static_cast<std::size_t>(columns), counts[block] * members());
    for (std::size_t i = 0; i < most; ++i) {
      const KlGrade first(row);
      samples.push_back(
          pairs_ ? planned_pair_member(split, first, static_cast<int>(i / 2), KlGrade(row + static_cast<int>(i % 2)))
                 : planned_sample(split, first, static_cast<int>(i)));
    }
    break;
  }
  return samples;
}

}  // namespace genu::generator
