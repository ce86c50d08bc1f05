// One knee from its address to its pixels.
#pragma once

#include <cstdint>
#include <string>

#include "generator/anatomy/knee_anatomy.h"
#include "generator/dataset/generate_config.h"
#include "generator/dataset/sample_plan.h"
#include "generator/geometry/knee_geometry.h"
#include "generator/projection/image.h"
#include "generator/projection/image_frame.h"

namespace genu::generator {

// Every number that makes one sample.
struct KneeSample {
  PlannedSample plan;
  KlGrade kl;      // derived by the rule from the features as they are, dials included
  std::string id;  // the plan's with the side: "train_3_0042L"
  KneeAnatomy anatomy;
  KneeFeatures features;
  Positioning positioning;
  Exposure exposure;
  DisplayLook look;
  Surroundings surroundings;
  KlGrade kl_read;
  KneeGeometry geometry;
  ImageFrame frame;
};

// A pure function of config (its seed included) and the plan's sample. The two members of a pair share anatomy, pose,
// exposure and noise; what disease did to the milder one it has done to the other too, or worse.
KneeSample sample_knee(const GenerateConfig& config, const PlannedSample& plan);

// What disease did to this knee: the features of its planned grade, or of its place in a pair.
KneeFeatures sample_disease(const GenerateConfig& config, const KneeAnatomy& anatomy, const PlannedSample& plan);

struct RenderedKnee {
  Image<std::uint8_t> picture;
  Image<std::uint8_t> labels;
};

// What every thread shares: textures and attenuation, made once. Immutable, so safe to share.
struct RenderResources {
  explicit RenderResources(const GenerateConfig& config);
  TextureTiles textures;
  AttenuationBank attenuation;
  HabitusMap habitus;
};

// What one thread reuses.
struct RenderWorkspace {
  explicit RenderWorkspace(int size_px) : RenderWorkspace(size_px, size_px) {}
  RenderWorkspace(int width_px, int height_px) : projection(width_px, height_px) {}
  PathLengthMaps maps;
  ProjectionWorkspace projection;
  PathLengthMaps reference_maps;
  ProjectionWorkspace reference_projection{1, 1};  // draws no lines
  ReferenceSignal reference;
  Image<float> range_change;  // on the reference's grid
  DetectorWorkspace detector;
  DisplayWorkspace display;
  Image<float> log_signal;
  Image<float> grey;
};

// The pictures of one knee; 16-bit callers take `work.grey` (float32, 0 .. 255) after the call.
RenderedKnee render_knee(const GenerateConfig& config, const KneeSample& sample, const RenderResources& resources,
                         RenderWorkspace& work);

// The same picture without quantum noise. Call after render_knee() with the same workspace: it reuses its path lengths.
void render_noise_free(const GenerateConfig& config, const KneeSample& sample, const RenderResources& resources,
                       RenderWorkspace& work, Image<float>& grey);

Image<std::uint8_t> to_bytes(const Image<float>& grey);

}  // namespace genu::generator
