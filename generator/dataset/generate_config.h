// Everything that decides the bytes of a synthetic dataset.
#pragma once

#include <cstdint>
#include <optional>

#include "core/config.h"
#include "generator/anatomy/knee_anatomy.h"
#include "generator/dataset/dials.h"
#include "generator/detector/detector.h"
#include "generator/display/display.h"
#include "generator/display/surroundings.h"
#include "generator/geometry/positioning.h"
#include "generator/pathology/disease.h"
#include "generator/projection/path_lengths.h"
#include "generator/projection/texture.h"

namespace genu::generator {

// The spec sheet's anatomy, or the published pixel ladder (generator/dataset/seed_compat.h), which is no anatomy.
enum class Mode { kPhysical, kSeedCompat };
// A crop around one knee, or one postero-anterior film of both (generator/dataset/film.h).
enum class View { kSingle, kBilateral };
enum class FileFormat { kPng, kDicom };

// Images a grade in each split; with pairs, pairs a step (KL 0-1, 1-2, 2-3, 3-4).
struct SplitConfig {
  int train_per_grade = 250;
  int test_per_grade = 50;
  int sample_per_grade = 2;
  void list_fields(FieldList& fields);
};

// How the images of a split share out.
struct CohortConfig {
  // Relative numbers of KL 0..4; a split keeps its total of five times its count a grade.
  std::vector<double> grade_weights = {1, 1, 1, 1, 1};
  // Of KL 3-4 knees, worse laterally; the share with both stays. Unset: the disease tables' own.
  std::optional<double> lateral_share;
  void list_fields(FieldList& fields);
};

struct TruthConfig {
  bool noise_free = false;
  void list_fields(FieldList& fields);
};

struct TrabecularConfig {
  TextureConfig field;
  TrabecularLook look;
  void list_fields(FieldList& fields);
};

// A bilateral film and the study around it.
struct FilmConfig {
  int subjects = 100;
  double width_mm = 430;
  double height_mm = 360;
  double pixel_spacing_mm = 0.17;
  double magnification = 1.05;
  double knee_distance_mm = 215;
  double knee_distance_sd_mm = 12;
  double height_jitter_mm = 14;
  double grade_correlation = 0.7;
  double missing_reading_share = 0.03;
  double second_reader_share = 0.1;
  double synaflexer_share = 0.5;
  double marker_share = 0.97;
  double monochrome1_share = 0.1;
  double jpeg_lossless_share = 0.1;
  double rle_share = 0.1;
  void list_fields(FieldList& fields);
};

struct GenerateConfig {
  std::uint64_t seed = 20240607;
  Mode mode = Mode::kPhysical;
  View view = View::kSingle;
  FileFormat format = FileFormat::kPng;
  int bit_depth = 8;
  int image_size_px = 224;
  bool pairs = false;
  ReaderLevel reader = ReaderLevel::kAdjudicated;
  SplitConfig splits;
  CohortConfig cohort;
  PopulationConfig population;
  DiseaseConfig disease;
  PositioningConfig positioning;
  TrabecularConfig trabecular;
  DetectorConfig detector;
  DisplayConfig display;
  SurroundingsConfig surroundings;
  DialsConfig dials;
  TruthConfig truth;
  FilmConfig film;
  void list_fields(FieldList& fields);
};

// Throws ConfigError if keys that are each in range do not go together.
void check_config(const GenerateConfig& config);

}  // namespace genu::generator
