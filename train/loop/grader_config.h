// grader.yaml: what it takes, beside the weights, to grade a film with a checkpoint.
#pragma once

#include <optional>
#include <string>

#include "core/config.h"
#include "pipeline/loader/tensor_format.h"
#include "train/losses/loss_config.h"
#include "train/models/registry.h"

namespace genu::train {

struct GraderConfig {
  ModelConfig model;
  int class_count = kKlGradeCount;
  int size_px = 0;
  pipeline::RowBand rows = {};
  pipeline::Normalisation normalisation = pipeline::Normalisation::kPerImage;
  double mean_grey = 0;  // of the training pixels, 0..255
  double sd_grey = 1;
  bool flip_average = true;
  Decoding decoding = Decoding::kSoftmax;
  std::string preprocess;       // PreprocessConfig as YAML text, from the shards
  std::string shards_sha256;    // of the shards.json the model was trained on
  bool chosen_samples = false;  // trained on a fold of genu crossval, whose samples may be of any split
  // Of an exported grader (export_grader.h) alone:
  std::optional<double> temperature;     // that probabilities are given with
  std::optional<double> distance_limit;  // a picture farther than this from knees is none; knees.safetensors is there
  std::string weights_sha256;            // of model.safetensors
  std::string knees_sha256;              // of knees.safetensors
  void list_fields(FieldList& fields);
  bool operator==(const GraderConfig&) const = default;

  pipeline::TensorFormat tensor_format() const { return {size_px, 1, normalisation, rows}; }
  pipeline::PixelStatistics training_pixels() const { return {mean_grey, sd_grey}; }
};

}  // namespace genu::train
