#include "generator/dataset/generate_config.h"

namespace genu::generator {

void SplitConfig::list_fields(FieldList& fields) {
  const Range count{0, 999999};
  fields.add("train_per_grade", train_per_grade, count, "training images a KL grade");
  fields.add("test_per_grade", test_per_grade, count, "test images a KL grade");
  fields.add("sample_per_grade", sample_per_grade, count, "images a KL grade to look at");
}

void TrabecularConfig::list_fields(FieldList& fields) {
  fields.add("spectral_exponent", field.spectral_exponent, Range{0.0, 5.0}, "beta of the power spectrum f^-beta");
  fields.add("stretch", field.stretch, Range{1.0, 20.0}, "length over width of the vertical trabeculae");
  fields.add("longest_mm", field.longest_mm, Range{1.0, 50.0}, "longest wavelength");
  fields.add("shortest_mm", field.shortest_mm, Range{0.1, 5.0}, "shortest wavelength");
  fields.add("amplitude", look.amplitude, Range{0.0, 1.0}, "RMS of BV/TV over its mean");
  fields.add("vertical_share", look.vertical_share, Range{0.0, 1.0}, "share of the variance that runs along the limb");
}

void GenerateConfig::list_fields(FieldList& fields) {
  fields.add("seed", seed, Range<std::uint64_t>{0, std::uint64_t{1} << 53}, "dataset seed: same seed, same bytes");
  fields.add("image_size_px", image_size_px, Range{64, 512}, "width and height of the pictures");
  fields.choice("reader", reader,
                {{"perfect", ReaderLevel::kPerfect},
                 {"adjudicated", ReaderLevel::kAdjudicated},
                 {"experienced", ReaderLevel::kExperienced},
                 {"mixed", ReaderLevel::kMixed}},
                "simulated reader behind kl_read");
  fields.section("splits", splits, "how many pictures");
  fields.section("population", population, "who is X-rayed");
  fields.section("disease", disease, "what osteoarthritis does at each grade");
  fields.section("positioning", positioning, "how the knee stands and is cropped");
  fields.section("trabecular", trabecular, "texture of trabecular bone");
  fields.section("detector", detector, "beam, scatter, blur, noise");
  fields.section("display", display, "exposure and contrast of the films");
}

}  // namespace genu::generator
