// Everything that decides the bytes of a synthetic dataset.
#pragma once

#include <cstdint>

#include "core/config.h"
#include "generator/anatomy/knee_anatomy.h"
#include "generator/detector/detector.h"
#include "generator/display/display.h"
#include "generator/geometry/positioning.h"
#include "generator/pathology/disease.h"
#include "generator/projection/path_lengths.h"
#include "generator/projection/texture.h"

namespace genu::generator {

// Images a grade in each split.
struct SplitConfig {
  int train_per_grade = 250;
  int test_per_grade = 50;
  int sample_per_grade = 2;
  void list_fields(FieldList& fields);
};

struct TrabecularConfig {
  TextureConfig field;
  TrabecularLook look;
  void list_fields(FieldList& fields);
};

struct GenerateConfig {
  std::uint64_t seed = 20240607;
  int image_size_px = 224;
  ReaderLevel reader = ReaderLevel::kAdjudicated;
  SplitConfig splits;
  PopulationConfig population;
  DiseaseConfig disease;
  PositioningConfig positioning;
  TrabecularConfig trabecular;
  DetectorConfig detector;
  DisplayConfig display;
  void list_fields(FieldList& fields);
};

}  // namespace genu::generator
