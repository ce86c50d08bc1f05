// Which samples a dataset holds: a pure function of the config, computed one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/kl_grade.h"
#include "generator/dataset/generate_config.h"

namespace genu::generator {

enum class Split : std::uint8_t { kTrain, kTest, kSample };
inline constexpr int kSplitCount = 3;
// "train", "test", "sample".
std::string_view to_string(Split split);

struct PlannedSample {
  Split split = Split::kTrain;
  KlGrade grade;
  int index = 0;             // within split and grade
  std::string id;            // "train_3_0042"; the side is appended once the knee is sampled
  std::uint64_t number = 0;  // address of the sample's random streams
  std::string subject;       // "s13000042"
};

class SamplePlan {
 public:
  explicit SamplePlan(const SplitConfig& splits);
  std::size_t size() const { return size_; }
  // Ordered by split, grade, index. Throws std::out_of_range.
  PlannedSample at(std::size_t position) const;
  int per_grade(Split split) const;

 private:
  SplitConfig splits_;
  std::size_t size_;
};

// The sample of this split, grade and index, whether or not the plan holds it.
PlannedSample planned_sample(Split split, KlGrade grade, int index);

}  // namespace genu::generator
