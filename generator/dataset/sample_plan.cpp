#include "generator/dataset/sample_plan.h"

#include <fmt/format.h>

#include <stdexcept>

namespace genu::generator {

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
  const auto split_number = static_cast<std::uint64_t>(split);
  PlannedSample sample;
  sample.split = split;
  sample.grade = grade;
  sample.index = index;
  sample.id = fmt::format("{}_{}_{:04}", to_string(split), grade.value(), index);
  sample.number =
      (split_number << 40) | (static_cast<std::uint64_t>(grade.value()) << 32) | static_cast<std::uint64_t>(index);
  sample.subject = fmt::format("s{}{}{:06}", split_number + 1, grade.value(), index);
  return sample;
}

SamplePlan::SamplePlan(const SplitConfig& splits)
    : splits_(splits),
      size_(static_cast<std::size_t>(splits.train_per_grade + splits.test_per_grade + splits.sample_per_grade) *
            kKlGradeCount) {}

int SamplePlan::per_grade(Split split) const {
  switch (split) {
    case Split::kTrain:
      return splits_.train_per_grade;
    case Split::kTest:
      return splits_.test_per_grade;
    case Split::kSample:
      return splits_.sample_per_grade;
  }
  return 0;
}

PlannedSample SamplePlan::at(std::size_t position) const {
  std::size_t left = position;
  for (const Split split : {Split::kTrain, Split::kTest, Split::kSample}) {
    const auto count = static_cast<std::size_t>(per_grade(split));
    if (left < count * kKlGradeCount) {
      return planned_sample(split, KlGrade(static_cast<int>(left / count)), static_cast<int>(left % count));
    }
    left -= count * kKlGradeCount;
  }
  throw std::out_of_range("SamplePlan::at: position " + std::to_string(position));
}

}  // namespace genu::generator
