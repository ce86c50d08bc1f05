// What a model said about one sample, beside what the film was graded.
#pragma once

#include <string>
#include <vector>

namespace genu::train {

struct Prediction {
  std::string sample_id;
  std::string subject;                // groups the two knees of one person
  int label = 0;                      // 0 .. probabilities.size() - 1
  std::vector<double> probabilities;  // one a class, sum 1
  bool operator==(const Prediction&) const = default;

  // The most probable class; the lowest of equals, as NumPy's argmax.
  int predicted() const;
};

// Of an ensemble: the mean probabilities of its members. Requires at least one. Throws DataError unless all graded the
// same samples in the same order with as many grades.
std::vector<Prediction> mean_predictions(const std::vector<std::vector<Prediction>>& members);

}  // namespace genu::train
