// A trained checkpoint, ready to grade.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/loader/tensor_format.h"
#include "train/loop/batch_source.h"
#include "train/loop/grader_config.h"
#include "train/loop/train_config.h"
#include "train/metrics/prediction.h"

namespace at {
class Tensor;
}

namespace genu::train {

class GraderModel;
struct Forest;
struct GradingOptions;
struct KneeStatistics;

// What a grader says of one picture.
struct Graded {
  std::vector<double> probabilities;
  std::optional<double> distance;  // of its features from training knees'; nothing where the grader knows no such
};

// What an explanation is of.
struct ExplainOptions {
  enum class Target : std::uint8_t {
    kHeadsOwn,   // the predicted grade; with an ordinal head the expected grade
    kPredicted,  // the output of the most probable grade
    kExpected,   // the sum over k of k p_k: what speaks for a higher grade
    kGrade,      // the output of `grade`
  } target = Target::kHeadsOwn;
  int grade = 0;
  std::string block = {};  // feature block whose maps are weighed; "" = the last
};

struct Explanation {
  std::vector<double> probabilities;
  std::optional<double> distance;  // as in Graded
  std::string target;              // the grade explained, or "expected"
  std::vector<float> map;          // [height, width] of the image: Grad-CAM, bilinear from the block's maps; >= 0
};

// Not thread-safe.
class Grader {
 public:
  // `path` is a checkpoint folder or a run's folder (its best); with export_grader()'s hashes, the files must have
  // them. Throws IoError, DataError.
  static Grader load(const std::filesystem::path& path);

  // Where the network works from now on; after load() the CPU. A forest stays there. Throws UsageError where there is
  // no such device.
  void move_to(DeviceChoice device);

  const std::filesystem::path& folder() const { return folder_; }
  const GraderConfig& config() const { return config_; }

  // Images as prepared (grey levels, any side), at once, so keep to a few dozen.
  std::vector<Graded> grade(std::span<const pipeline::GreyView> images) const;
  // Whether it is as far from training knees as to be taken for something else.
  bool is_stranger(const std::optional<double>& distance) const;
  // One pass over a source made with config()'s size and normalisation.
  std::vector<Prediction> grade(BatchSource& source) const;
  // float32 [n, features] of a source as above. Throws UsageError if there are more than `most`, or none (a forest).
  at::Tensor features(BatchSource& source, std::int64_t most) const;
  // Throws UsageError where the network has no maps (a forest, a transformer), no such block or no such grade.
  void check_explainable(const ExplainOptions& options) const;
  // Where the network finds what it says, for images of one size, as prepared; at once, so keep to a few dozen.
  // Throws what check_explainable() throws.
  std::vector<Explanation> explain(std::span<const pipeline::GreyView> images, const ExplainOptions& options) const;

 private:
  Grader(std::filesystem::path folder, GraderConfig config, Precision precision);
  GradingOptions options() const;
  std::size_t cam_depth_of(const ExplainOptions& options) const;
  std::vector<double> tempered(std::vector<double> probabilities) const;
  at::Tensor pixels_of(std::span<const pipeline::GreyView> images) const;

  std::filesystem::path folder_;
  GraderConfig config_;
  Precision precision_;  // as in training, so that its validation scores are met again; of an exported one fp32
  std::shared_ptr<GraderModel> model_;  // one of the two
  std::shared_ptr<const Forest> forest_;
  std::shared_ptr<const KneeStatistics> knees_;  // null where it knows none
};

}  // namespace genu::train
