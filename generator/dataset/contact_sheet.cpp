#include "generator/dataset/contact_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/png.h"
#include "generator/dataset/bitmap_font.h"

namespace genu::generator {

namespace {

constexpr int kGapPx = 4;
constexpr int kCaptionPx = 24;
constexpr int kLeftPx = 64;

std::string osteophyte_text(const KneeFeatures& features) {
  std::string text = "OST ";
  for (const Osteophyte& osteophyte : features.osteophytes) text += fmt::format("{}", osteophyte.oarsi_grade);
  return text;
}

std::string lesion_text(const KneeFeatures& features) {
  return fmt::format("{} SCL {}{} CYST {} ATT {}", osteophyte_text(features), features.medial.sclerosis,
                     features.lateral.sclerosis, features.cysts.size(), features.attrition_grade);
}

std::string space_text(const KneeSample& sample) {
  return fmt::format("{} {} JSW {:.1f}/{:.1f} MM HKA {:.1f}", to_string(sample.anatomy.side),
                     sample.anatomy.sex == Sex::kFemale ? "F" : "M", sample.features.medial.jsw_mm,
                     sample.features.lateral.jsw_mm, sample.geometry.hka_deg);
}

void paste(const Image<std::uint8_t>& picture, int x, int y, Image<std::uint8_t>& sheet) {
  for (int row = 0; row < picture.height_px; ++row) {
    std::copy(picture.row(row), picture.row(row) + picture.width_px, sheet.row(y + row) + x);
  }
}

}  // namespace

std::vector<std::uint8_t> make_contact_sheet(const GenerateConfig& config, const RenderResources& resources,
                                             int columns) {
  const SamplePlan plan(config.splits);
  Split split = Split::kTrain;
  while (split != Split::kSample && plan.per_grade(split) == 0) split = static_cast<Split>(static_cast<int>(split) + 1);
  const int shown = std::max(1, std::min(columns, plan.per_grade(split)));
  const int cell = config.image_size_px + kGapPx;
  Image<std::uint8_t> sheet(kLeftPx + shown * cell, kKlGradeCount * (cell + kCaptionPx) + kGapPx, 0);
  RenderWorkspace work(config.image_size_px);
  for (int grade = 0; grade < kKlGradeCount; ++grade) {
    const int y = kGapPx + grade * (cell + kCaptionPx);
    draw_text(fmt::format("KL {}", grade), 8, y + config.image_size_px / 2 - 7, 2, 255, sheet);
    for (int column = 0; column < shown && column < plan.per_grade(split); ++column) {
      const KneeSample sample = sample_knee(config, planned_sample(split, KlGrade(grade), column));
      const int x = kLeftPx + column * cell;
      paste(render_knee(config, sample, resources, work).picture, x, y, sheet);
      draw_text(space_text(sample), x + 2, y + config.image_size_px + 3, 1, 230, sheet);
      draw_text(lesion_text(sample.features), x + 2, y + config.image_size_px + 13, 1, 180, sheet);
    }
  }
  return encode_png(PngImage{sheet.width_px, sheet.height_px, 1, 8, std::move(sheet.pixels)}, 6);
}

}  // namespace genu::generator
