// The label of every pixel: what a segmentation of the picture should find.
#pragma once

#include <cstdint>

#include "generator/anatomy/knee_anatomy.h"
#include "generator/geometry/knee_geometry.h"
#include "generator/projection/canvas.h"
#include "generator/projection/image.h"
#include "generator/projection/image_frame.h"
#include "generator/projection/path_lengths.h"

namespace genu::generator {

enum class Label : std::uint8_t {
  kAir = 0,
  kSoftTissue = 1,
  kFemur = 2,
  kTibia = 3,
  kFibula = 4,
  kPatella = 5,
  kJointSpace = 6,
  kOsteophyte = 7,
  kSclerosis = 8,
  kCyst = 9,
  kHardware = 10,
};
inline constexpr int kLabelCount = 11;

// One label a pixel; where structures overlap, the later of this order wins: soft tissue, fibula, joint space,
// osteophyte (what stands out of its bone), femur, patella, tibia, sclerosis, cyst, hardware. (The patella lies over
// the femur: femur and patella together are the femur's shadow wherever the patella does not reach beyond it.)
void draw_label_map(const KneeGeometry& geometry, const ImageFrame& frame, const PathLengthMaps& maps,
                    const ProjectionWorkspace& distances, Canvas& canvas, Image<std::uint8_t>& labels);

// Contours that bound the joint space of one compartment, closed, knee millimetres.
Contour joint_space_outline_mm(const KneeGeometry& geometry, Compartment side);

}  // namespace genu::generator
