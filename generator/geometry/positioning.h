// How one knee stands in front of the detector: what technique and chance do to the picture before physics begins.
#pragma once

#include "core/config.h"
#include "core/random.h"

namespace genu::generator {

struct PositioningConfig {
  double femur_fill = 0.872;  // epicondylar width over image width (real_film_statistics.md)
  double femur_fill_sd = 0.033;
  double joint_line_row = 0.576;  // joint line height over image height, from the top
  double joint_line_row_sd = 0.031;
  double centre_shift_sd = 0.016;  // of image width
  double tilt_mean_deg = 1.6;      // in the image plane; positive lowers the lateral side
  double tilt_sd_deg = 2.3;
  double rim_angle_mean_deg = 4.0;  // posterior slope less beam angle (spec 6)
  double rim_angle_sd_deg = 3.0;
  double axial_rotation_sd_deg = 5.0;
  void list_fields(FieldList& fields);
};

struct Positioning {
  double femur_fill = 0.872;
  double joint_line_row = 0.592;
  double centre_column = 0.5;
  double tilt_deg = 1;
  double rim_angle_deg = 4;
  double axial_rotation_deg = 0;  // positive is external rotation of the tibia
  bool operator==(const Positioning&) const = default;
};

Positioning sample_positioning(const PositioningConfig& config, RandomStream& stream);

}  // namespace genu::generator
