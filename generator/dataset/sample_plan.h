// Which samples a dataset holds: a pure function of the config, computed one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/kl_grade.h"
#include "generator/dataset/generate_config.h"

namespace genu::generator {

enum class Split : std::uint8_t { kTrain, kTest, kSample };
inline constexpr int kSplitCount = 3;
inline constexpr std::array<Split, kSplitCount> kSplits = {Split::kTrain, Split::kTest, Split::kSample};
// "train", "test", "sample".
std::string_view to_string(Split split);

struct PlannedSample {
  Split split = Split::kTrain;
  KlGrade grade;
  int index = 0;             // within split and grade (or step)
  std::string id;            // "train_3_0042"; the side is appended once the knee is sampled
  std::uint64_t number = 0;  // address of the sample's random streams; the two of a pair share it
  std::string subject;       // "s13000042"
  // Counterfactual pairs: the name both members carry ("train_pair2_0042"), and the grade of the milder one.
  std::string pair;
  KlGrade pair_from;
  bool is_pair() const { return !pair.empty(); }
};

class SamplePlan {
 public:
  explicit SamplePlan(const GenerateConfig& config);
  std::size_t size() const { return size_; }
  // Ordered by split, grade, index; pairs by split, step, index, grade. Throws std::out_of_range.
  PlannedSample at(std::size_t position) const;
  // Samples of a split that were planned for a grade (of pairs: both members).
  std::size_t count(Split split, KlGrade grade) const;
  // Up to `columns` samples for one row of a contact sheet, from the first split that holds any: knees of a grade, or
  // the pairs of a step, milder one first.
  std::vector<PlannedSample> sheet_row(int row, int columns) const;
  int sheet_rows() const { return pairs_ ? kKlGradeCount - 1 : kKlGradeCount; }

 private:
  std::size_t blocks() const { return pairs_ ? kKlGradeCount - 1 : kKlGradeCount; }
  std::size_t members() const { return pairs_ ? 2 : 1; }

  bool pairs_;
  // Knees of a grade, or pairs of a step, in each split.
  std::array<std::array<std::size_t, kKlGradeCount>, kSplitCount> counts_{};
  std::size_t size_ = 0;
};

// The sample of this split, grade and index, whether or not the plan holds it.
PlannedSample planned_sample(Split split, KlGrade grade, int index);
// One member of the pair that goes from `from` to `from` + 1; `grade` is either.
PlannedSample planned_pair_member(Split split, KlGrade from, int index, KlGrade grade);

}  // namespace genu::generator
