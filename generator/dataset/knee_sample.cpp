#include "generator/dataset/knee_sample.h"

#include "generator/truth/label_map.h"

namespace genu::generator {

namespace {

// Typical scale of the pictures: 87 % of the width is 80 mm of femur.
double typical_px_per_mm(const GenerateConfig& config) {
  return config.positioning.femur_fill * config.image_size_px / 80.0;
}

Image<std::uint8_t> to_bytes(const Image<float>& grey) {
  Image<std::uint8_t> bytes(grey.width_px, grey.height_px);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i)
    bytes.pixels[i] = static_cast<std::uint8_t>(grey.pixels[i] + 0.5f);
  return bytes;
}

}  // namespace

KneeSample sample_knee(const GenerateConfig& config, const PlannedSample& plan) {
  const auto stream = [&](std::string_view stage) { return RandomStream(config.seed, plan.number, stage); };
  KneeSample sample;
  sample.plan = plan;
  RandomStream anatomy = stream("anatomy"), disease = stream("disease"), positioning = stream("positioning"),
               geometry = stream("geometry"), exposure = stream("exposure"), display = stream("display"),
               reading = stream("reading");
  sample.anatomy = sample_anatomy(config.population, anatomy);
  sample.id = plan.id + std::string(to_string(sample.anatomy.side));
  sample.features = sample_features(config.disease, sample.anatomy, plan.grade, disease);
  sample.positioning = sample_positioning(config.positioning, positioning);
  sample.exposure = sample_exposure(config.detector, exposure);
  sample.look = sample_display(config.display, display);
  sample.kl_read = simulate_reading(derive_kl_grade(sample.features), config.reader, reading);
  sample.geometry = build_geometry(sample.anatomy, sample.features, sample.positioning, geometry);
  sample.frame = make_frame(config.image_size_px, sample.anatomy.femur_width_mm,
                            sample.geometry.knee_from_femur.rotation_rad, sample.anatomy.side, sample.positioning);
  return sample;
}

RenderResources::RenderResources(const GenerateConfig& config)
    : textures(make_textures(config.trabecular.field, config.seed, config.image_size_px, typical_px_per_mm(config))),
      attenuation(55, 80) {}

RenderedKnee render_knee(const GenerateConfig& config, const KneeSample& sample, const RenderResources& resources,
                         RenderWorkspace& work) {
  RandomStream texture(config.seed, sample.plan.number, "texture"), noise(config.seed, sample.plan.number, "noise");
  RenderedKnee rendered;
  const ProjectionInput input{sample.anatomy, sample.geometry, sample.frame, resources.textures,
                              config.trabecular.look};
  const AttenuationModel& attenuation = resources.attenuation.at(sample.exposure.tube_voltage_kvp);
  // The knee without lesions decides exposure, scatter and look-up.
  const int cell_px = reference_cell_px(sample.frame.width_px);
  const ImageFrame coarse = coarsened(sample.frame, cell_px);
  project_reference({sample.anatomy, sample.geometry, coarse, resources.textures, config.trabecular.look},
                    work.reference_projection, work.reference_maps);
  expose_reference(work.reference_maps, sample.exposure, attenuation, cell_px, coarse.pixel_spacing_mm, work.reference);
  project_knee(input, texture, work.projection, work.maps);
  expose(work.maps, sample.exposure, attenuation, work.reference, resources.textures, noise, work.detector,
         work.log_signal);
  develop(work.log_signal, tone_curve(work.reference.log_signal, sample.look), sample.look,
          sample.frame.pixel_spacing_mm, work.display, work.grey);
  rendered.picture = to_bytes(work.grey);
  draw_label_map(sample.geometry, sample.frame, work.maps, work.projection, work.projection.lines, rendered.labels);
  return rendered;
}

}  // namespace genu::generator
