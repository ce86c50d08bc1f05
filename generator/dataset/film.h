// One bilateral postero-anterior film and the readings of its two knees, as a cohort study keeps them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "generator/dataset/knee_sample.h"
#include "generator/dicom/dicom_image.h"

namespace genu::generator {

// One row of the study's reading table.
struct FilmReading {
  KneeSide side = KneeSide::kRight;
  int project = 15;  // 15: the main reading; 37, 42: others
  KlGrade kl;
  bool kl_missing = false;
};

// Everything that makes one film. Picture-left is the patient's right knee.
struct FilmSample {
  int index = 0;
  std::string subject;                // seven digits
  std::uint64_t number = 0;           // address of the film's random streams
  std::array<KneeSample, 2> knees;    // right, left; their frames map onto half a film each
  std::array<PointMm, 2> centre_px;   // of each knee's joint line, on the film
  std::vector<FilmReading> readings;  // right before left, project 15 first
  int width_px = 0;
  int height_px = 0;
  double object_mm_per_px = 0.17;
  Exposure exposure;
  DisplayLook look;
  Photometric photometric = Photometric::kMonochrome2;
  DicomCompression compression = DicomCompression::kNone;
  bool markers = true;
  bool synaflexer = false;
};

// A pure function of config and index.
FilmSample sample_film(const GenerateConfig& config, int index);

// Square crop of one knee at the scale of the public single-knee crops: 1.15 epicondylar widths, the joint line at
// 0.592 of its height.
struct KneeBox {
  double left_px = 0;
  double top_px = 0;
  double side_px = 0;
  double joint_line_row_px = 0;
  double femur_width_px = 0;
};
KneeBox knee_box(const FilmSample& film, std::size_t knee);

struct FilmWorkspace {
  explicit FilmWorkspace(const GenerateConfig& config);
  ProjectionWorkspace half;
  ProjectionWorkspace coarse_half;
  PathLengthMaps coarse_half_maps;
  PathLengthMaps coarse_maps;
  ReferenceSignal reference;
  PathLengthMaps half_maps;
  PathLengthMaps maps;
  DetectorWorkspace detector;
  Image<float> log_signal;
};

// Textures and attenuation for films of this config.
struct FilmResources {
  explicit FilmResources(const GenerateConfig& config);
  TextureTiles textures;
  AttenuationBank attenuation;
};

// float32 [height_px, width_px], 0 .. 1, bone bright, before photometric interpretation.
Image<float> render_film(const GenerateConfig& config, const FilmSample& film, const FilmResources& resources,
                         FilmWorkspace& work);

// Film size in pixels, width even.
std::array<int, 2> film_size_px(const FilmConfig& film);

}  // namespace genu::generator
