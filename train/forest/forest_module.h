// The boundary to the module that alone links OpenCV's ml, so that the trainer builds and runs without OpenCV. No
// exception crosses it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
struct GenuForestProblem {
  const float* samples;  // [sample_count, feature_count]
  const std::int32_t* grades;
  std::int32_t sample_count;
  std::int32_t feature_count;
  std::int32_t trees;
  std::int32_t max_depth;
  std::int32_t least_samples;       // a node of no more is not split
  std::int32_t features_per_split;  // 0 = the root of feature_count
  std::int32_t seed;
};

// Arrays from malloc; the caller frees them, after a failure too.
struct GenuForest {
  std::int32_t tree_count;
  std::int32_t node_count;
  std::int32_t* roots;    // [tree_count], positions of nodes
  std::int32_t* feature;  // [node_count], -1 in a leaf
  float* threshold;       // of an inner node: x <= threshold goes left
  std::int32_t* left;     // positions of nodes
  std::int32_t* right;
  std::int32_t* grade;      // that a leaf votes for
  std::int32_t* predicted;  // [sample_count], OpenCV's own grade of each training sample
};

// Returns 0 and fills `forest`, or returns 1 and writes one line into `message`.
int genu_forest_fit(const GenuForestProblem* problem, GenuForest* forest, char* message, std::size_t message_size);
}
