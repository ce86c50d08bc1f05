// How much of each material every ray crosses.
#pragma once

#include <cmath>

#include "core/random.h"
#include "generator/anatomy/knee_anatomy.h"
#include "generator/geometry/knee_geometry.h"
#include "generator/projection/canvas.h"
#include "generator/projection/habitus.h"
#include "generator/projection/image.h"
#include "generator/projection/image_frame.h"
#include "generator/projection/signed_distance.h"
#include "generator/projection/texture.h"
#include "generator/projection/vector_math.h"

namespace genu::generator {

// float32 [height_px, width_px] each, millimetres along the beam.
struct PathLengthMaps {
  Image<float> cortical_mm;         // cortex and subchondral plates
  Image<float> trabecular_mm;       // trabecular tissue, marrow included
  Image<float> trabecular_bone_mm;  // mineralised part of it: BV/TV times the path
  Image<float> soft_mm;             // muscle, ligament, cartilage, fluid
  Image<float> fat_mm;              // subcutaneous
  Image<float> metal_mm;            // as of titanium; no pixels where a knee has none
};

// Textural amplitude of BV/TV and its parts.
struct TrabecularLook {
  double amplitude = 0.12;        // RMS of BV/TV over its mean; median
  double amplitude_sigma = 0.35;  // its log-normal spread between knees
  double vertical_share = 0.6;    // of the amplitude that runs along the limb
};

// Planes that one thread reuses from sample to sample.
struct ProjectionWorkspace {
  ProjectionWorkspace(int width_px, int height_px) : lines(width_px, height_px) {}
  Image<float> femur_distance_px;
  Image<float> tibia_distance_px;
  Image<float> small_distance_px;
  DistanceWorkspace distance;
  Image<std::uint8_t> line_coverage;
  Canvas lines;
};

struct ProjectionInput {
  const KneeAnatomy& anatomy;
  const KneeGeometry& geometry;
  const ImageFrame& frame;
  const TextureTiles& textures;
  TrabecularLook look;
  const HabitusMap* habitus = nullptr;  // none: the model's leg as it is
};

// Fills `maps`. `stream` places the textures.
void project_knee(const ProjectionInput& input, RandomStream& stream, ProjectionWorkspace& work, PathLengthMaps& maps);

// The knee as it was before disease, untextured: exposure, look-up and scatter are decided from it, so that a lesion
// changes the picture where it lies and nowhere else. `input.frame` is a coarse one (see coarsened()).
void project_reference(const ProjectionInput& input, ProjectionWorkspace& work, PathLengthMaps& maps);

// Depth below the articular surface: the distance inside the outline, but along the sides of the bone the distance from
// the joint line (`from_line_mm`, counted from 3 mm behind the condyles' tangent or the rims).
inline float joint_depth_mm(float inside_mm, float from_line_mm) { return larger(inside_mm, from_line_mm); }

// Path through a body whose section is an ellipse-like round of edge radius `round_mm` and greatest depth `depth_mm`,
// at distance `inside_mm` from its outline: depth * sqrt(e (2 - e)) with e = inside / round, at most 1. A disc of
// depth 2 r and round r is a sphere exactly.
inline float rounded_depth_mm(float inside_mm, float round_mm, float depth_mm) {
  const float e = smaller(larger(inside_mm / round_mm, 0.0f), 1.0f);
  return depth_mm * std::sqrt(e * (2.0f - e));
}

}  // namespace genu::generator
