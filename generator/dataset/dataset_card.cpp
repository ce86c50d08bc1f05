#include "generator/dataset/dataset_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/run_record.h"

namespace genu::generator {

void DatasetSummary::add(const KneeSample& sample) {
  const KneeFeatures& features = sample.features;
  const KlGrade grade = derive_kl_grade(features);
  GradeSums& sums = grades_[static_cast<std::size_t>(grade.value())];
  ++sums.images[static_cast<std::size_t>(sample.plan.split)];
  sums.jsw_medial_mm += features.medial.jsw_mm;
  sums.jsw_lateral_mm += features.lateral.jsw_mm;
  sums.narrower_mm += std::min(features.medial.jsw_mm, features.lateral.jsw_mm);
  sums.hka_deg += sample.geometry.hka_deg;
  int grades = 0;
  for (const Osteophyte& osteophyte : features.osteophytes) grades += osteophyte.oarsi_grade;
  sums.osteophyte_sum += grades;
  sums.any_osteophyte += grades > 0 ? 1u : 0u;
  sums.women += sample.anatomy.sex == Sex::kFemale ? 1u : 0u;
  sums.right += sample.anatomy.side == KneeSide::kRight ? 1u : 0u;
  sums.lateral_disease += features.lateral.jsn > features.medial.jsn ? 1u : 0u;
  sums.sclerosis += features.medial.sclerosis + features.lateral.sclerosis > 0 ? 1u : 0u;
  sums.cyst += features.cysts.empty() ? 0u : 1u;
  sums.attrition += features.attrition_grade > 0 ? 1u : 0u;
  sums.read_alike += sample.kl_read == grade ? 1u : 0u;
}

std::size_t DatasetSummary::size() const {
  std::size_t total = 0;
  for (const GradeSums& sums : grades_) total += sums.total();
  return total;
}

std::size_t DatasetSummary::count(Split split, KlGrade grade) const {
  return grades_[static_cast<std::size_t>(grade.value())].images[static_cast<std::size_t>(split)];
}

std::string DatasetSummary::card(const GenerateConfig& config) const {
  std::string text = fmt::format(
      "# Synthetic knee radiographs\n\n{} pictures of {} x {} px, drawn by genu {} from the config in dataset.yaml "
      "(seed {}). No patient, no real\npixel: every knee is sampled in millimetres, projected with polychromatic "
      "X-ray physics and graded by the\nKellgren-Lawrence rule from its own features.\n\n",
      size(), config.image_size_px, config.image_size_px, version(), config.seed);
  text += "| | KL 0 | KL 1 | KL 2 | KL 3 | KL 4 |\n|---|---|---|---|---|---|\n";
  const auto line = [&](const std::string& name, const auto& cell) {
    text += "| " + name;
    for (const GradeSums& sums : grades_) text += " | " + cell(sums);
    text += " |\n";
  };
  for (const Split split : {Split::kTrain, Split::kTest, Split::kSample}) {
    line(fmt::format("images, {}", to_string(split)),
         [&](const GradeSums& s) { return fmt::format("{}", s.images[static_cast<std::size_t>(split)]); });
  }
  const auto mean = [&](const std::string& name, double GradeSums::*sum) {
    line(name, [&](const GradeSums& s) {
      return s.total() == 0 ? std::string("-") : fmt::format("{:.2f}", s.*sum / static_cast<double>(s.total()));
    });
  };
  const auto share = [&](const std::string& name, std::size_t GradeSums::*count) {
    line(name, [&](const GradeSums& s) {
      return s.total() == 0
                 ? std::string("-")
                 : fmt::format("{:.1f} %", 100.0 * static_cast<double>(s.*count) / static_cast<double>(s.total()));
    });
  };
  mean("medial joint space, mean mm", &GradeSums::jsw_medial_mm);
  mean("lateral joint space, mean mm", &GradeSums::jsw_lateral_mm);
  mean("narrower of the two, mean mm", &GradeSums::narrower_mm);
  mean("HKA, mean deg (negative is varus)", &GradeSums::hka_deg);
  mean("sum of four osteophyte grades, mean", &GradeSums::osteophyte_sum);
  share("any osteophyte", &GradeSums::any_osteophyte);
  share("sclerosis", &GradeSums::sclerosis);
  share("cyst", &GradeSums::cyst);
  share("attrition", &GradeSums::attrition);
  share("worse laterally", &GradeSums::lateral_disease);
  share("women", &GradeSums::women);
  share("right knees", &GradeSums::right);
  share("kl_read equals kl", &GradeSums::read_alike);
  text +=
      "\nFolders: `images/SPLIT/GRADE/ID.png` (8-bit grey), `masks/SPLIT/GRADE/ID.png` (label map: 0 air, 1 soft "
      "tissue, "
      "2 femur, 3 tibia,\n4 fibula, 5 patella, 6 joint space, 7 osteophyte, 8 sclerosis, 9 cyst, 10 hardware). "
      "`manifest.csv` has one row a picture: every\nnumber that made it and every label. `kl` is the grade the rule "
      "derives; `kl_read` is what a simulated reader records.\nA right knee is the mirror image of a left one. "
      "Pictures of one subject never cross splits: each subject has one knee.\n\nNot for diagnosis. Joint space, "
      "osteophytes and alignment follow published distributions; what the model leaves out\n(metal, crystal deposits, "
      "fractures, the other knee) is not here to be learnt.\n";
  return text;
}

}  // namespace genu::generator
