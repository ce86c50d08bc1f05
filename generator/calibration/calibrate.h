// Fits acquisition and display to a folder of unlabelled knee crops: measure the films, simulate, compare, adjust.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "generator/calibration/film_measures.h"
#include "generator/dataset/generate_config.h"

namespace genu::generator {

struct CalibrationOptions {
  int threads = 0;                // 0: as many as the machine has
  std::size_t most_films = 2000;  // read at most so many, spread evenly over the sorted paths
  int knees = 300;                // simulated a comparison
  int rounds = 16;                // adjustments after the first derivative
  int habitus_rounds = 6;         // steps of the mean picture, twice; 0 leaves population.habitus as it is
};

// One statistic of a set of films, before and after.
struct FittedStatistic {
  std::string name;
  std::string parameter;
  double real = 0;
  double before = 0;
  double after = 0;
};

struct Calibration {
  GenerateConfig config;
  std::size_t films = 0;
  std::size_t negatives = 0;
  std::vector<std::string> unreadable;  // one clear line each
  std::vector<FittedStatistic> statistics;
  // RMS difference of the mean standardised pictures of films and simulation on a 28 x 28 grid, in film SDs.
  double mean_picture_before = 0;
  double mean_picture_after = 0;
};

// Fewer films than this say too little about spreads.
inline constexpr std::size_t kLeastFilms = 40;

// PNG files below `folder`, any layout, sorted. Throws DataError if the folder is missing or holds none.
std::vector<std::filesystem::path> films_below(const std::filesystem::path& folder);

// `start` gives everything that is not fitted (population, disease, texture). Fitted: positioning.femur_fill and its
// spread, joint_line_row and its spread, centre_shift_sd; detector blur and noise; display: grey tables and their
// correlation, curve, edge gain, share of negatives. Pure in the films' bytes and `start` whatever the threads.
// Throws DataError if fewer than kLeastFilms can be read.
Calibration calibrate(const std::filesystem::path& folder, const GenerateConfig& start,
                      const CalibrationOptions& options);

}  // namespace genu::generator
