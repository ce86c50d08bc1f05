#include "generator/dataset/knee_sample.h"

#include <algorithm>

#include "generator/dataset/seed_compat.h"
#include "generator/pathology/hardware.h"
#include "generator/projection/upsample.h"
#include "generator/truth/label_map.h"

namespace genu::generator {

namespace {

// Typical scale of the pictures: 87 % of the width is 80 mm of femur.
double typical_px_per_mm(const GenerateConfig& config) {
  return config.positioning.femur_fill * config.image_size_px / 80.0;
}

// Share of lateral disease among knees of KL 3-4, in place of the tables' own.
DiseaseConfig disease_of(const GenerateConfig& config) {
  DiseaseConfig disease = config.disease;
  if (!config.cohort.lateral_share) return disease;
  for (std::vector<double>& row : disease.compartment_share) {
    const double one_sided = 1 - row[2];
    row[1] = *config.cohort.lateral_share * one_sided;
    row[0] = one_sided - row[1];
  }
  disease.lateral_share_women = 0;
  return disease;
}

PicturePlace place_of(const KneeSample& sample) { return {sample.anatomy.side, sample.frame.pixel_spacing_mm}; }

CompartmentState worse_of(const CompartmentState& mild, const CompartmentState& severe) {
  CompartmentState state = mild;
  if (severe.jsw_mm < mild.jsw_mm) {
    state.jsw_mm = severe.jsw_mm;
    state.wear_centre = severe.jsn > mild.jsn ? severe.wear_centre : mild.wear_centre;
  }
  state.jsn = std::max(mild.jsn, severe.jsn);
  if (severe.sclerosis > mild.sclerosis) {
    state.sclerosis = severe.sclerosis;
    state.sclerosis_thickness_mm = severe.sclerosis_thickness_mm;
  }
  return state;
}

// Disease goes on: everything `mild` has, and where `severe` is worse, that. The KL rule takes the worst of each
// feature, so the result has the grade of `severe`.
KneeFeatures progressed(const KneeFeatures& mild, const KneeFeatures& severe) {
  KneeFeatures features = mild;
  for (const Compartment side : {Compartment::kMedial, Compartment::kLateral}) {
    features.at(side) = worse_of(mild.at(side), severe.at(side));
  }
  for (std::size_t i = 0; i < kOsteophyteSiteCount; ++i) {
    if (severe.osteophytes[i].protrusion_mm > mild.osteophytes[i].protrusion_mm) {
      features.osteophytes[i] = severe.osteophytes[i];
    }
  }
  if (features.cysts.empty()) features.cysts = severe.cysts;
  if (severe.attrition_depth_mm > mild.attrition_depth_mm) {
    features.attrition_depth_mm = severe.attrition_depth_mm;
    features.attrition_subsidence_mm = severe.attrition_subsidence_mm;
    features.attrition_grade = severe.attrition_grade;
    features.attrition_compartment = severe.attrition_compartment;
  }
  features.spine_sharpening_deg = std::max(mild.spine_sharpening_deg, severe.spine_sharpening_deg);
  features.spine_growth_mm = std::max(mild.spine_growth_mm, severe.spine_growth_mm);
  features.plate_irregularity_mm = std::max(mild.plate_irregularity_mm, severe.plate_irregularity_mm);
  features.notch_narrowing_mm = std::max(mild.notch_narrowing_mm, severe.notch_narrowing_mm);
  if (features.loose_bodies.empty()) features.loose_bodies = severe.loose_bodies;
  Chondrocalcinosis& calcium = features.chondrocalcinosis;
  calcium.medial = std::max(mild.chondrocalcinosis.medial, severe.chondrocalcinosis.medial);
  calcium.lateral = std::max(mild.chondrocalcinosis.lateral, severe.chondrocalcinosis.lateral);
  calcium.cartilage = std::max(mild.chondrocalcinosis.cartilage, severe.chondrocalcinosis.cartilage);
  return features;
}

}  // namespace

KneeFeatures sample_disease(const GenerateConfig& config, const KneeAnatomy& anatomy, const PlannedSample& plan) {
  const DiseaseConfig disease = disease_of(config);
  const auto features_at = [&](KlGrade grade, std::string_view stage) {
    RandomStream stream(config.seed, plan.number, stage);
    return sample_features(disease, anatomy, grade, stream);
  };
  if (!plan.is_pair()) return features_at(plan.grade, "disease");
  const KneeFeatures mild = features_at(plan.pair_from, "disease");
  if (plan.grade == plan.pair_from) return mild;
  return progressed(mild, features_at(plan.grade, "disease progressed"));
}

Image<std::uint8_t> to_bytes(const Image<float>& grey) {
  Image<std::uint8_t> bytes(grey.width_px, grey.height_px);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i)
    bytes.pixels[i] = static_cast<std::uint8_t>(grey.pixels[i] + 0.5f);
  return bytes;
}

KneeSample sample_knee(const GenerateConfig& config, const PlannedSample& plan) {
  const auto stream = [&](std::string_view stage) { return RandomStream(config.seed, plan.number, stage); };
  KneeSample sample;
  sample.plan = plan;
  RandomStream anatomy = stream("anatomy"), positioning = stream("positioning"), geometry = stream("geometry"),
               exposure = stream("exposure"), display = stream("display"), reading = stream("reading");
  // 1. What chance gives.
  sample.anatomy = sample_anatomy(config.population, anatomy);
  sample.id = plan.id + std::string(to_string(sample.anatomy.side));
  sample.features = sample_disease(config, sample.anatomy, plan);
  sample.positioning = sample_positioning(config.positioning, positioning);
  sample.exposure = sample_exposure(config.detector, exposure);
  sample.look = sample_display(config.display, display);
  RandomStream motion = stream("motion"), surroundings = stream("surroundings");
  sample_motion(config.detector, motion, sample.exposure);
  sample.surroundings = sample_surroundings(config.surroundings, surroundings);

  // 2. What the config sets.
  const SampledKnee knee{sample.anatomy,  sample.features, sample.positioning,
                         sample.exposure, sample.look,     sample.surroundings};
  if (config.mode == Mode::kSeedCompat) {
    const double pixel_mm = sample.anatomy.femur_width_mm / (sample.positioning.femur_fill * config.image_size_px);
    RandomStream ladder = stream("seed ladder");
    apply_seed_ladder(plan.grade, pixel_mm, config.image_size_px, knee, ladder);
  }
  config.dials.apply(knee);
  if (sample.features.hardware.kind == HardwareKind::kReplacement) replace_joint(sample.features);

  // 3. What follows.
  sample.kl = derive_kl_grade(sample.features);
  sample.kl_read = simulate_reading(sample.kl, config.reader, reading);
  sample.geometry = build_geometry(sample.anatomy, sample.features, sample.positioning, geometry);
  sample.frame = make_frame(config.image_size_px, sample.anatomy.femur_width_mm,
                            sample.geometry.knee_from_femur.rotation_rad, sample.anatomy.side, sample.positioning);
  return sample;
}

RenderResources::RenderResources(const GenerateConfig& config)
    : textures(make_textures(config.trabecular.field, config.seed, config.image_size_px, typical_px_per_mm(config))),
      attenuation(kLeastTubeVoltageKvp, kMostTubeVoltageKvp),
      habitus(config.population.habitus) {}

RenderedKnee render_knee(const GenerateConfig& config, const KneeSample& sample, const RenderResources& resources,
                         RenderWorkspace& work) {
  RandomStream texture(config.seed, sample.plan.number, "texture"), noise(config.seed, sample.plan.number, "noise");
  RenderedKnee rendered;
  const ProjectionInput input{sample.anatomy,     sample.geometry,        sample.frame,
                              resources.textures, config.trabecular.look, &resources.habitus};
  const AttenuationModel& attenuation = resources.attenuation.at(sample.exposure.tube_voltage_kvp);
  // The knee without lesions decides exposure, scatter and look-up.
  const int cell_px = reference_cell_px(sample.frame.width_px);
  const ImageFrame coarse = coarsened(sample.frame, cell_px);
  project_reference(
      {sample.anatomy, sample.geometry, coarse, resources.textures, config.trabecular.look, &resources.habitus},
      work.reference_projection, work.reference_maps);
  expose_reference(work.reference_maps, sample.exposure, attenuation, cell_px, coarse.pixel_spacing_mm, work.reference);
  compress_range(sample.look, coarse.pixel_spacing_mm, work.reference.log_signal, work.range_change);
  project_knee(input, texture, work.projection, work.maps);
  expose(work.maps, sample.frame.pixel_spacing_mm, sample.exposure, attenuation, work.reference, resources.textures,
         noise, work.detector, work.log_signal);
  add_upsampled(work.range_change, cell_px, work.log_signal);
  develop(work.log_signal, tone_curve(work.reference.log_signal, sample.look), sample.look,
          sample.frame.pixel_spacing_mm, work.display, work.grey);
  draw_surroundings(sample.surroundings, place_of(sample), sample.look.polarity, work.projection.lines, work.grey);
  rendered.picture = to_bytes(work.grey);
  draw_label_map(sample.geometry, sample.frame, work.maps, work.projection, work.projection.lines, rendered.labels);
  hide_labels(sample.surroundings, place_of(sample), rendered.labels);
  return rendered;
}

void render_noise_free(const GenerateConfig& config, const KneeSample& sample, const RenderResources& resources,
                       RenderWorkspace& work, Image<float>& grey) {
  RandomStream noise(config.seed, sample.plan.number, "noise");
  Exposure exposure = sample.exposure;
  exposure.quantum_noise = 0;
  expose(work.maps, sample.frame.pixel_spacing_mm, exposure, resources.attenuation.at(exposure.tube_voltage_kvp),
         work.reference, resources.textures, noise, work.detector, work.log_signal);
  add_upsampled(work.range_change, work.reference.cell_px, work.log_signal);
  develop(work.log_signal, tone_curve(work.reference.log_signal, sample.look), sample.look,
          sample.frame.pixel_spacing_mm, work.display, grey);
  draw_surroundings(sample.surroundings, place_of(sample), sample.look.polarity, work.projection.lines, grey);
}

}  // namespace genu::generator
