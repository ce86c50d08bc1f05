#include "train/metrics/prediction.h"

#include <algorithm>

#include "core/errors.h"

namespace genu::train {

int Prediction::predicted() const {
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

std::vector<Prediction> mean_predictions(const std::vector<std::vector<Prediction>>& members) {
  std::vector<Prediction> mean = members.front();
  for (std::size_t m = 1; m < members.size(); ++m) {
    if (members[m].size() != mean.size()) throw DataError("ensemble: the members graded different samples");
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const Prediction& row = members[m][i];
      if (row.sample_id != mean[i].sample_id || row.probabilities.size() != mean[i].probabilities.size()) {
        throw DataError("ensemble: the members graded different samples or numbers of grades");
      }
      for (std::size_t k = 0; k < row.probabilities.size(); ++k) mean[i].probabilities[k] += row.probabilities[k];
    }
  }
  for (Prediction& row : mean) {
    for (double& p : row.probabilities) p /= static_cast<double>(members.size());
  }
  return mean;
}

}  // namespace genu::train
