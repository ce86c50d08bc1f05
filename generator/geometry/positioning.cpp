#include "generator/geometry/positioning.h"

namespace genu::generator {

void PositioningConfig::list_fields(FieldList& fields) {
  fields.add("femur_fill", femur_fill, Range{0.3, 1.5}, "epicondylar width over image width");
  fields.add("femur_fill_sd", femur_fill_sd, Range{0.0, 0.2}, "its spread");
  fields.add("joint_line_row", joint_line_row, Range{0.1, 0.9}, "height of the joint line, 0 top .. 1 bottom");
  fields.add("joint_line_row_sd", joint_line_row_sd, Range{0.0, 0.2}, "its spread");
  fields.add("centre_shift_sd", centre_shift_sd, Range{0.0, 0.2}, "sideways shift of the knee, of image width");
  fields.add("tilt_mean_deg", tilt_mean_deg, Range{-20.0, 20.0}, "in-plane tilt; positive lowers the lateral side");
  fields.add("tilt_sd_deg", tilt_sd_deg, Range{0.0, 10.0}, "its spread");
  fields.add("rim_angle_mean_deg", rim_angle_mean_deg, Range{-10.0, 15.0}, "beam against plateau; 0 aligns the rims");
  fields.add("rim_angle_sd_deg", rim_angle_sd_deg, Range{0.0, 8.0}, "its spread");
  fields.add("axial_rotation_sd_deg", axial_rotation_sd_deg, Range{0.0, 15.0}, "spread of rotation about the leg");
}

Positioning sample_positioning(const PositioningConfig& config, RandomStream& stream) {
  Positioning position;
  position.femur_fill = stream.truncated_normal(config.femur_fill, config.femur_fill_sd);
  position.joint_line_row = stream.truncated_normal(config.joint_line_row, config.joint_line_row_sd);
  position.centre_column = stream.truncated_normal(0.511, config.centre_shift_sd);
  position.tilt_deg = stream.truncated_normal(config.tilt_mean_deg, config.tilt_sd_deg);
  position.rim_angle_deg = stream.truncated_normal(config.rim_angle_mean_deg, config.rim_angle_sd_deg);
  position.axial_rotation_deg = stream.truncated_normal(0, config.axial_rotation_sd_deg);
  return position;
}

}  // namespace genu::generator
