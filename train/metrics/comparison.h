// Graders of the same samples against each other: `genu compare`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/metrics/bootstrap.h"
#include "train/metrics/paired_bootstrap.h"
#include "train/metrics/prediction.h"
#include "train/metrics/significance.h"

namespace genu::train {

// One recipe: what a single run of it said, or each of several.
struct Contender {
  std::string name;
  std::vector<std::vector<Prediction>> runs;          // each of the whole set of samples
  std::vector<std::vector<Prediction>> observations;  // whose scores the analysis of variance takes
  std::vector<std::filesystem::path> files = {};      // all that was read
};

// `path` is a predictions.csv, a folder that holds one (a report of `genu evaluate`, a repeat of `genu crossval`), or a
// folder of such folders: repeated runs (a folder of `genu crossval`, or reports gathered by hand). The observations
// are the runs; of a single run that holds fold-* folders, its folds. Throws IoError where there is nothing, DataError
// where there are no predictions or the runs graded different samples.
Contender load_contender(const std::filesystem::path& path);

struct PairTest {
  std::string a;
  std::string b;
  std::vector<PairedDifference> differences;
  std::optional<McNemar> mcnemar;  // of two single runs only
};

struct MetricAnova {
  std::string metric;
  struct Group {
    double mean = 0;
    std::optional<double> sd;  // divided by observations - 1; nothing for one
    std::size_t observations = 0;
  };
  std::vector<Group> groups;  // one a contender
  std::optional<Anova> anova;
};

struct Comparison {
  std::vector<std::string> names;
  std::size_t samples = 0;
  std::size_t subjects = 0;
  BootstrapOptions bootstrap;
  std::vector<MetricAnova> metrics;
  std::vector<PairTest> pairs;  // every two, in the order given
};

// Requires at least two contenders. Throws DataError, naming both, where two did not grade the same samples with the
// same labels.
Comparison compare(const std::vector<Contender>& contenders, const BootstrapOptions& bootstrap);

std::string comparison_text(const Comparison& comparison);
std::string comparison_json(const Comparison& comparison);

}  // namespace genu::train
