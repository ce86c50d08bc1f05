// predictions.csv: what a grader said about each sample of a split.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "train/metrics/prediction.h"

namespace genu::train {

// Columns sample_id, subject, kl, predicted, p0 .. p4. Probabilities have nine digits: as many as tell any two float32
// apart.
std::string predictions_csv(const std::vector<Prediction>& predictions);

// Throws DataError with the line on a missing column, a grade outside 0 .. classes - 1, a probability outside 0 .. 1 or
// no sample at all.
std::vector<Prediction> parse_predictions(std::string_view text, const std::string& origin);
// Throws IoError too.
std::vector<Prediction> read_predictions(const std::filesystem::path& path);

}  // namespace genu::train
