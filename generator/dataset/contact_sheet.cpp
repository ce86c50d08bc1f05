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
constexpr int kMostPx = 256;

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
  return fmt::format("KL {} {} {} JSW {:.1f}/{:.1f} MM HKA {:.1f}", sample.kl.value(), to_string(sample.anatomy.side),
                     sample.anatomy.sex == Sex::kFemale ? "F" : "M", sample.features.medial.jsw_mm,
                     sample.features.lateral.jsw_mm, sample.geometry.hka_deg);
}

void paste(const Image<std::uint8_t>& picture, int x, int y, Image<std::uint8_t>& sheet) {
  for (int row = 0; row < picture.height_px; ++row) {
    std::copy(picture.row(row), picture.row(row) + picture.width_px, sheet.row(y + row) + x);
  }
}

std::vector<std::uint8_t> encode(Image<std::uint8_t>&& sheet) {
  return encode_png(PngImage{sheet.width_px, sheet.height_px, 1, 8, std::move(sheet.pixels)}, 6);
}

// Side of one shown picture.
int shown_px(const GenerateConfig& config) {
  return shrunk(Image<std::uint8_t>(config.image_size_px, 1), kMostPx).width_px;
}

}  // namespace

Image<std::uint8_t> shrunk(const Image<std::uint8_t>& picture, int most_px) {
  const int factor = (std::max(picture.width_px, picture.height_px) + most_px - 1) / most_px;
  if (factor <= 1) return picture;
  const int width = std::max(1, picture.width_px / factor), height = std::max(1, picture.height_px / factor);
  Image<std::uint8_t> out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      int sum = 0, count = 0;
      for (int dy = 0; dy < factor && y * factor + dy < picture.height_px; ++dy) {
        for (int dx = 0; dx < factor && x * factor + dx < picture.width_px; ++dx, ++count) {
          sum += picture.at(x * factor + dx, y * factor + dy);
        }
      }
      out.at(x, y) = static_cast<std::uint8_t>((sum + count / 2) / count);
    }
  }
  return out;
}

std::vector<std::uint8_t> make_contact_sheet(const GenerateConfig& config, const PictureOf& picture_of, int columns) {
  const SamplePlan plan(config);
  const int side = shown_px(config), cell = side + kGapPx;
  int widest = 1;
  for (int row = 0; row < plan.sheet_rows(); ++row) {
    widest = std::max(widest, static_cast<int>(plan.sheet_row(row, columns).size()));
  }
  Image<std::uint8_t> sheet(kLeftPx + widest * cell, plan.sheet_rows() * (cell + kCaptionPx) + kGapPx, 0);
  for (int row = 0; row < plan.sheet_rows(); ++row) {
    const int y = kGapPx + row * (cell + kCaptionPx);
    draw_text(config.pairs ? fmt::format("{}-{}", row, row + 1) : fmt::format("KL {}", row), 8, y + side / 2 - 7, 2,
              255, sheet);
    const std::vector<PlannedSample> shown = plan.sheet_row(row, columns);
    for (std::size_t column = 0; column < shown.size(); ++column) {
      const KneeSample sample = sample_knee(config, shown[column]);
      const int x = kLeftPx + static_cast<int>(column) * cell;
      paste(shrunk(picture_of(sample), kMostPx), x, y, sheet);
      draw_text(space_text(sample), x + 2, y + side + 3, 1, 230, sheet);
      draw_text(lesion_text(sample.features), x + 2, y + side + 13, 1, 180, sheet);
    }
  }
  return encode(std::move(sheet));
}

std::vector<std::uint8_t> make_gallery(const GenerateConfig& config, const PictureOf& picture_of, int sheet_row,
                                       int columns, int rows) {
  const int cell = shown_px(config) + kGapPx;
  Image<std::uint8_t> sheet(columns * cell, rows * cell, 0);
  const std::vector<PlannedSample> shown = SamplePlan(config).sheet_row(sheet_row, columns * rows);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const int x = static_cast<int>(i) % columns * cell, y = static_cast<int>(i) / columns * cell;
    paste(shrunk(picture_of(sample_knee(config, shown[i])), kMostPx), x, y, sheet);
  }
  return encode(std::move(sheet));
}

}  // namespace genu::generator
