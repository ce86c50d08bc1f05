#include "generator/dataset/generate_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.h"
#include "generator/projection/habitus.h"

namespace genu::generator {

void SplitConfig::list_fields(FieldList& fields) {
  const Range count{0, 999999};
  fields.add("train_per_grade", train_per_grade, count, "training images a KL grade (pairs a step, with pairs)");
  fields.add("test_per_grade", test_per_grade, count, "test images a KL grade");
  fields.add("sample_per_grade", sample_per_grade, count, "images a KL grade to look at");
}

void CohortConfig::list_fields(FieldList& fields) {
  fields.add("grade_weights", grade_weights, Range{0.0, 1e6}, Range{kKlGradeCount, kKlGradeCount},
             "relative numbers of KL 0..4; a split keeps its total");
  fields.add("lateral_share", lateral_share, Range{0.0, 1.0},
             "of KL 3-4 knees, worse laterally; ~ leaves it to disease.compartment_share");
}

void TruthConfig::list_fields(FieldList& fields) {
  fields.add("noise_free", noise_free, "also write clean/: each picture without quantum noise");
}

void TrabecularConfig::list_fields(FieldList& fields) {
  fields.add("spectral_exponent", field.spectral_exponent, Range{0.0, 5.0}, "beta of the power spectrum f^-beta");
  fields.add("stretch", field.stretch, Range{1.0, 20.0}, "length over width of the vertical trabeculae");
  fields.add("longest_mm", field.longest_mm, Range{1.0, 50.0}, "longest wavelength");
  fields.add("shortest_mm", field.shortest_mm, Range{0.1, 5.0}, "shortest wavelength");
  fields.add("amplitude", look.amplitude, Range{0.0, 1.0}, "RMS of BV/TV over its mean; median");
  fields.add("amplitude_sigma", look.amplitude_sigma, Range{0.0, 1.0}, "its log-normal spread between knees");
  fields.add("vertical_share", look.vertical_share, Range{0.0, 1.0}, "share of the variance that runs along the limb");
}

void FilmConfig::list_fields(FieldList& fields) {
  const Range share{0.0, 1.0};
  fields.add("subjects", subjects, Range{1, 9999999}, "films; one a subject");
  fields.add("width_mm", width_mm, Range{200.0, 500.0}, "of the film, at the detector");
  fields.add("height_mm", height_mm, Range{150.0, 500.0}, "of the film, at the detector");
  fields.add("pixel_spacing_mm", pixel_spacing_mm, Range{0.1, 1.0}, "at the detector");
  fields.add("magnification", magnification, Range{1.0, 1.3}, "detector millimetres an object millimetre");
  fields.add("knee_distance_mm", knee_distance_mm, Range{120.0, 300.0}, "between the knees' centres, at the detector");
  fields.add("knee_distance_sd_mm", knee_distance_sd_mm, Range{0.0, 30.0}, "its spread");
  fields.add("height_jitter_mm", height_jitter_mm, Range{0.0, 50.0}, "spread of the joint lines' height on the film");
  fields.add("grade_correlation", grade_correlation, Range{0.0, 1.0},
             "of the two knees' grades (normal scores), spec: bilateral disease is the rule");
  fields.add("missing_reading_share", missing_reading_share, share, "readings with an empty field");
  fields.add("second_reader_share", second_reader_share, share, "knees that a second reader project read again");
  fields.add("synaflexer_share", synaflexer_share, share, "films with the positioning frame's beads in the picture");
  fields.add("marker_share", marker_share, share, "films with R and L markers");
  fields.add("monochrome1_share", monochrome1_share, share, "DICOM films stored inverted (MONOCHROME1)");
  fields.add("jpeg_lossless_share", jpeg_lossless_share, share, "DICOM films stored as JPEG lossless");
  fields.add("rle_share", rle_share, share, "DICOM films stored with RLE");
}

void GenerateConfig::list_fields(FieldList& fields) {
  fields.add("seed", seed, Range<std::uint64_t>{0, std::uint64_t{1} << 53}, "dataset seed: same seed, same bytes");
  fields.choice("mode", mode, {{"physical", Mode::kPhysical}, {"seed_compat", Mode::kSeedCompat}},
                "anatomy, or the published pixel ladder (no anatomy)");
  fields.choice("view", view, {{"single", View::kSingle}, {"bilateral", View::kBilateral}},
                "a crop around one knee, or films of both");
  fields.choice("format", format, {{"png", FileFormat::kPng}, {"dicom", FileFormat::kDicom}}, "of the pictures");
  fields.add("bit_depth", bit_depth, Range{8, 16}, "of the pictures: 8 or 16 (DICOM: 12 or 16 bits stored)");
  fields.add("image_size_px", image_size_px, Range{64, 2048}, "width and height of single-knee pictures");
  fields.add("pairs", pairs, "counterfactual pairs: the same knee at KL k and k + 1");
  fields.choice("reader", reader,
                {{"perfect", ReaderLevel::kPerfect},
                 {"adjudicated", ReaderLevel::kAdjudicated},
                 {"experienced", ReaderLevel::kExperienced},
                 {"mixed", ReaderLevel::kMixed}},
                "simulated reader behind kl_read");
  fields.section("splits", splits, "how many pictures");
  fields.section("cohort", cohort, "how they share out between grades and compartments");
  fields.section("population", population, "who is X-rayed");
  fields.section("disease", disease, "what osteoarthritis does at each grade");
  fields.section("positioning", positioning, "how the knee stands and is cropped");
  fields.section("trabecular", trabecular, "texture of trabecular bone");
  fields.section("detector", detector, "beam, scatter, blur, noise");
  fields.section("display", display, "exposure and contrast of the films");
  fields.section("surroundings", surroundings, "what the edges of a crop show");
  fields.section("dials", dials, "values set for every knee; ~ leaves one to chance");
  fields.section("truth", truth, "what is written beside the pictures");
  fields.section("film", film, "bilateral films and their study (view: bilateral)");
}

void check_config(const GenerateConfig& config) {
  const bool depth_known = config.bit_depth == 8 || config.bit_depth == 16 ||
                           (config.bit_depth == 12 && config.format == FileFormat::kDicom);
  if (!depth_known) throw ConfigError("bit_depth: PNG takes 8 or 16, DICOM 8, 12 or 16");
  if (*std::max_element(config.cohort.grade_weights.begin(), config.cohort.grade_weights.end()) <= 0) {
    throw ConfigError("cohort.grade_weights: one weight must be above 0");
  }
  const std::size_t habitus = config.population.habitus.size();
  if (habitus != 0 && habitus != kHabitusWaves * kHabitusWaves) {
    throw ConfigError(
        fmt::format("population.habitus: {} weights, where {} or none belong", habitus, kHabitusWaves * kHabitusWaves));
  }
  const DiseaseConfig& disease = config.disease;
  if (disease.replacement_share > 0 || config.dials.value("hardware").value_or(0) >= 2.5) {
    if (config.splits.train_per_grade > 0 || config.pairs || config.view == View::kBilateral ||
        config.mode == Mode::kSeedCompat) {
      throw ConfigError(
          "disease.replacement_share: a replaced knee has no grade to train on; set splits.train_per_grade to 0, in "
          "physical single views without pairs");
    }
  }
  if (disease.chondrocalcinosis_age_years.size() != disease.chondrocalcinosis_share.size() ||
      !std::is_sorted(disease.chondrocalcinosis_age_years.begin(), disease.chondrocalcinosis_age_years.end())) {
    throw ConfigError("disease.chondrocalcinosis_age_years must ascend, with one chondrocalcinosis_share each");
  }
  if (config.pairs && config.view == View::kBilateral) {
    throw ConfigError("pairs: bilateral films have none; set view to single");
  }
  if (config.pairs && config.mode == Mode::kSeedCompat) {
    throw ConfigError("pairs: the pixel ladder has none; set mode to physical");
  }
}

}  // namespace genu::generator
