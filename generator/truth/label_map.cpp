#include "generator/truth/label_map.h"

#include <cmath>

#include "generator/projection/signed_distance.h"

namespace genu::generator {

namespace {

std::uint8_t byte_of(Label label) { return static_cast<std::uint8_t>(label); }

// Half a millimetre of tissue is where skin becomes visible.
constexpr float kSkinMm = 0.5f;

// Bone within the core of a sclerotic zone: within its thickness of the surface and half of its gain sideways.
void paint_sclerosis(const SclerosisShape& shape, const KneeGeometry& geometry, const ImageFrame& frame,
                     const ProjectionWorkspace& distances, Image<std::uint8_t>& labels) {
  const bool tibial = shape.bone == Bone::kTibia;
  const Image<float>& distance = tibial ? distances.tibia_distance_px : distances.femur_distance_px;
  const Label host = tibial ? Label::kTibia : Label::kFemur;
  const double half = 0.54 * shape.half_width_mm;  // where (1 - u^2)^2 is one half
  const double deep = shape.thickness_mm + 8;
  const Contour corners = {{shape.surface_mm.x - half, shape.surface_mm.y - deep},
                           {shape.surface_mm.x + half, shape.surface_mm.y - deep},
                           {shape.surface_mm.x + half, shape.surface_mm.y + deep},
                           {shape.surface_mm.x - half, shape.surface_mm.y + deep}};
  const PixelBox box = box_around(to_image_px(corners, frame), 1.0, frame.width_px, frame.height_px);
  const auto pixel_mm = static_cast<float>(frame.pixel_spacing_mm);
  const RigidMotion& motion = geometry.knee_from_femur;
  const Affine bone_from_knee = tibial ? Affine{} : inverse(affine_from(motion));
  for (int y = box.top; y < box.bottom; ++y) {
    for (int x = box.left; x < box.right; ++x) {
      const float inside = distance.at(x, y) * pixel_mm;
      if (!(inside > 0) || labels.at(x, y) != byte_of(host)) continue;
      const PointMm p = frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
      if (std::abs(p.x - shape.surface_mm.x) > half) continue;
      const double height = bone_from_knee(p).y;
      const float depth = joint_depth_mm(inside, static_cast<float>(tibial ? -height - 3 : height - 3));
      if (depth > 0.8 * shape.thickness_mm) continue;
      labels.at(x, y) = byte_of(Label::kSclerosis);
    }
  }
}

}  // namespace

Contour joint_space_outline_mm(const KneeGeometry& geometry, Compartment side) {
  const double outer = geometry.tibia_articular_mm.back().x;
  const bool medial = side == Compartment::kMedial;
  const double low = medial ? -outer : geometry.inner_edge_mm;
  const double high = medial ? -geometry.inner_edge_mm : outer;
  Contour outline;
  for (const PointMm& p : geometry.tibia_articular_mm) {
    if (p.x >= low && p.x <= high) outline.push_back(p);
  }
  if (outline.size() < 2) return {};
  const double first = outline.front().x, last = outline.back().x;
  Contour upper;
  for (const PointMm& p : geometry.femur_articular_mm) {
    if (p.x >= first && p.x <= last) upper.push_back(p);
  }
  outline.insert(outline.end(), upper.rbegin(), upper.rend());
  return outline;
}

void draw_label_map(const KneeGeometry& geometry, const ImageFrame& frame, const PathLengthMaps& maps,
                    const ProjectionWorkspace& distances, Canvas& canvas, Image<std::uint8_t>& labels) {
  const auto fill = [&](const Contour& contour_mm, Label label) {
    canvas.fill_label(to_image_px(contour_mm, frame), byte_of(label));
  };
  canvas.clear();
  fill(geometry.fibula_mm, Label::kFibula);
  fill(joint_space_outline_mm(geometry, Compartment::kMedial), Label::kJointSpace);
  fill(joint_space_outline_mm(geometry, Compartment::kLateral), Label::kJointSpace);
  for (const OsteophyteShape& shape : geometry.osteophytes) fill(shape.outline_mm, Label::kOsteophyte);
  // Lips first, so that only what stands out of the original contour keeps their label.
  fill(geometry.femur_mm, Label::kFemur);
  fill(geometry.patella_mm, Label::kPatella);
  fill(geometry.tibia_mm, Label::kTibia);
  canvas.copy_to(labels);
  for (const SclerosisShape& shape : geometry.sclerosis) paint_sclerosis(shape, geometry, frame, distances, labels);
  for (const CystShape& shape : geometry.cysts) {
    const Contour outline = to_image_px(ellipse(shape.centre_mm, shape.radius_x_mm, shape.radius_y_mm, 20), frame);
    const PixelBox box = box_around(outline, 0.0, frame.width_px, frame.height_px);
    for (int y = box.top; y < box.bottom; ++y) {
      for (int x = box.left; x < box.right; ++x) {
        const PointMm p = frame.knee_mm_from_image_px({x + 0.5, y + 0.5});
        const double u = (p.x - shape.centre_mm.x) / shape.radius_x_mm,
                     v = (p.y - shape.centre_mm.y) / shape.radius_y_mm;
        if (u * u + v * v <= 1) labels.at(x, y) = byte_of(Label::kCyst);
      }
    }
  }
  if (!geometry.metal.empty()) {
    canvas.clear();
    for (const MetalShape& shape : geometry.metal) fill(shape.outline_mm, Label::kHardware);
    Image<std::uint8_t> metal;
    canvas.copy_to(metal);
    for (std::size_t i = 0; i < labels.pixels.size(); ++i) {
      if (metal.pixels[i] != 0) labels.pixels[i] = metal.pixels[i];
    }
  }
  for (std::size_t i = 0; i < labels.pixels.size(); ++i) {
    if (labels.pixels[i] != 0) continue;
    const bool tissue = maps.soft_mm.pixels[i] + maps.fat_mm.pixels[i] > kSkinMm;
    labels.pixels[i] = byte_of(tissue ? Label::kSoftTissue : Label::kAir);
  }
}

}  // namespace genu::generator
