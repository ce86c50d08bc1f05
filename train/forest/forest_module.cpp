#include "train/forest/forest_module.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/ml.hpp>
#include <stdexcept>
#include <vector>

namespace {

template <class T>
T* copy_out(const std::vector<T>& values) {
  T* out = static_cast<T*>(std::malloc(std::max<std::size_t>(1, values.size() * sizeof(T))));
  if (out == nullptr) throw std::bad_alloc();
  std::memcpy(out, values.data(), values.size() * sizeof(T));
  return out;
}

void fit(const GenuForestProblem& problem, GenuForest& out) {
  const cv::Mat samples(problem.sample_count, problem.feature_count, CV_32F, const_cast<float*>(problem.samples));
  const cv::Mat grades(problem.sample_count, 1, CV_32S, const_cast<std::int32_t*>(problem.grades));
  // OpenCV draws from a generator of the thread; it grows its trees on one thread.
  cv::setRNGSeed(problem.seed);
  const auto trees = cv::ml::RTrees::create();
  trees->setMaxDepth(problem.max_depth);
  trees->setMinSampleCount(problem.least_samples);
  trees->setActiveVarCount(problem.features_per_split);
  trees->setCalculateVarImportance(false);
  trees->setTermCriteria({cv::TermCriteria::MAX_ITER, problem.trees, 0});
  trees->train(cv::ml::TrainData::create(samples, cv::ml::ROW_SAMPLE, grades));

  const auto& nodes = trees->getNodes();
  const auto& splits = trees->getSplits();
  std::vector<std::int32_t> feature, left, right, grade;
  std::vector<float> threshold;
  for (const auto& node : nodes) {
    const bool leaf = node.split < 0;
    const cv::ml::DTrees::Split split =
        leaf ? cv::ml::DTrees::Split() : splits.at(static_cast<std::size_t>(node.split));
    if (!leaf && split.next >= 0 && split.next != node.split) throw std::runtime_error("a node has a second split");
    feature.push_back(leaf ? -1 : split.varIdx);
    threshold.push_back(leaf ? 0.0F : split.c);
    left.push_back(leaf ? 0 : split.inversed ? node.right : node.left);
    right.push_back(leaf ? 0 : split.inversed ? node.left : node.right);
    grade.push_back(static_cast<std::int32_t>(std::lround(node.value)));
  }
  cv::Mat predicted;
  trees->predict(samples, predicted);
  std::vector<std::int32_t> answers;
  for (int i = 0; i < predicted.rows; ++i)
    answers.push_back(static_cast<std::int32_t>(std::lround(predicted.at<float>(i))));
  const auto& roots = trees->getRoots();
  out.tree_count = static_cast<std::int32_t>(roots.size());
  out.node_count = static_cast<std::int32_t>(nodes.size());
  out.roots = copy_out(std::vector<std::int32_t>(roots.begin(), roots.end()));
  out.feature = copy_out(feature);
  out.threshold = copy_out(threshold);
  out.left = copy_out(left);
  out.right = copy_out(right);
  out.grade = copy_out(grade);
  out.predicted = copy_out(answers);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int genu_forest_fit(const GenuForestProblem* problem,
                                                                      GenuForest* forest, char* message,
                                                                      std::size_t message_size) {
  try {
    fit(*problem, *forest);
    return 0;
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return 1;
  }
}
