// A random forest over pixels (Breiman, "Random forests", Machine Learning 45, 2001), grown by OpenCV, kept and asked
// by ourselves: the file is tensors like any other checkpoint's, and grading needs no OpenCV.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "train/forest/forest_config.h"
#include "train/weights/safetensors.h"

namespace genu::train {

// Nodes of all trees in one list, each behind its parent.
struct Forest {
  int class_count = 0;
  int feature_count = 0;
  std::vector<std::int32_t> roots;    // a tree each
  std::vector<std::int32_t> feature;  // -1 in a leaf
  std::vector<float> threshold;       // inner node: x <= threshold goes left
  std::vector<std::int32_t> left;
  std::vector<std::int32_t> right;
  std::vector<std::int32_t> grade;  // that a leaf votes for
  bool operator==(const Forest&) const = default;

  // Share of the trees that vote for each grade. Requires feature_count values.
  std::vector<double> vote(std::span<const float> features) const;
};

struct ForestSamples {
  int feature_count = 0;
  std::vector<float> features;       // [n, feature_count]
  std::vector<std::int32_t> grades;  // [n], 0 .. class_count - 1
};

// The same samples in the same order, config and seed give the same forest. Throws UsageError where the program was
// built without OpenCV's module, DataError where OpenCV refuses the samples.
Forest grow_forest(const ForestSamples& samples, int class_count, const ForestConfig& config, std::uint64_t seed);

// Tensors "roots", "feature", "threshold", "left", "right", "grade". Throws IoError.
void write_forest(const std::filesystem::path& path, const Forest& forest);
// Throws IoError, or DataError "FILE: fault; remedy" if it is damaged, holds no forest, or does not fit the two counts.
Forest read_forest(const std::filesystem::path& path, int class_count, int feature_count);

}  // namespace genu::train
