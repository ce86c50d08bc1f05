#include "generator/dataset/sweep.h"

#include <fmt/format.h>

#include <charconv>

#include "core/csv.h"
#include "core/errors.h"
#include "core/files.h"
#include "core/png.h"
#include "generator/dataset/bitmap_font.h"
#include "generator/dataset/contact_sheet.h"

namespace genu::generator {

namespace {

constexpr int kGapPx = 4;
constexpr int kCaptionPx = 14;

template <class T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> table_header(const std::vector<SweepAxis>& axes) {
  std::vector<std::string> cells;
  for (const SweepAxis& axis : axes) cells.push_back(axis.dial);
  for (const char* name : {"kl", "jsw_medial_mm", "jsw_lateral_mm", "jsn_medial", "jsn_lateral", "osteophyte_fm",
                           "osteophyte_fl", "osteophyte_tm", "osteophyte_tl", "hka_deg"}) {
    cells.push_back(std::string("is_") + name);
  }
  return cells;
}

std::vector<std::string> table_row(const std::vector<double>& values, const KneeSample& sample) {
  std::vector<std::string> cells;
  for (const double value : values) cells.push_back(fmt::format("{}", value));
  cells.push_back(fmt::format("{}", sample.kl.value()));
  for (const double width : {sample.features.medial.jsw_mm, sample.features.lateral.jsw_mm}) {
    cells.push_back(fmt::format("{:.3f}", width));
  }
  cells.push_back(fmt::format("{}", sample.features.medial.jsn));
  cells.push_back(fmt::format("{}", sample.features.lateral.jsn));
  for (const Osteophyte& osteophyte : sample.features.osteophytes)
    cells.push_back(fmt::format("{}", osteophyte.oarsi_grade));
  cells.push_back(fmt::format("{:.3f}", sample.geometry.hka_deg));
  return cells;
}

std::string caption(const std::vector<double>& values, const KneeSample& sample) {
  std::string text;
  for (const double value : values) text += fmt::format("{:.4g} ", value);
  return text + fmt::format("KL {}", sample.kl.value());
}

void paste(const Image<std::uint8_t>& picture, int x, int y, Image<std::uint8_t>& sheet) {
  for (int row = 0; row < picture.height_px; ++row) {
    std::copy(picture.row(row), picture.row(row) + picture.width_px, sheet.row(y + row) + x);
  }
}

}  // namespace

SweepAxis parse_sweep(const std::string& text) {
  const std::string form = "--sweep " + text + ": must read dial=low:high:count";
  const std::size_t equals = text.find('='), first = text.find(':'), second = text.find(':', first + 1);
  if (equals == std::string::npos || first == std::string::npos || second == std::string::npos || first < equals) {
    throw UsageError(form);
  }
  const std::string_view view = text;
  SweepAxis axis;
  axis.dial = text.substr(0, equals);
  double low = 0, high = 0;
  int count = 0;
  if (!parse_all(view.substr(equals + 1, first - equals - 1), low) ||
      !parse_all(view.substr(first + 1, second - first - 1), high) || !parse_all(view.substr(second + 1), count) ||
      !(count >= 1 && count <= 100)) {
    throw UsageError(form + ", with 1 to 100 values");
  }
  DialsConfig range_check;
  for (int i = 0; i < count; ++i) {
    axis.values.push_back(count == 1 ? low : low + (high - low) * i / (count - 1));
    range_check.set(axis.dial, axis.values.back());
  }
  return axis;
}

PlannedSample parse_knee(const std::string& text) {
  const std::size_t colon = text.find(':');
  int grade = 0, index = 0;
  if (colon == std::string::npos || !parse_all(std::string_view(text).substr(0, colon), grade) ||
      !parse_all(std::string_view(text).substr(colon + 1), index) || !(grade >= 0 && grade < kKlGradeCount) ||
      index < 0) {
    throw UsageError("--knee " + text + ": must read grade:index, such as 0:3");
  }
  return planned_sample(Split::kTrain, KlGrade(grade), index);
}

void write_sweep(const GenerateConfig& config, const std::vector<SweepAxis>& axes, const PlannedSample& knee,
                 const std::filesystem::path& file) {
  if (axes.empty() || axes.size() > 2) throw UsageError("--sweep: one dial draws a strip, two draw a grid; no more");
  check_config(config);
  const std::vector<double>& across = axes[0].values;
  const std::vector<double> none = {0};
  const std::vector<double>& down = axes.size() > 1 ? axes[1].values : none;
  const RenderResources resources(config);
  RenderWorkspace work(config.image_size_px);
  const int side = shrunk(Image<std::uint8_t>(config.image_size_px, 1), 512).width_px;
  Image<std::uint8_t> sheet(static_cast<int>(across.size()) * (side + kGapPx) + kGapPx,
                            static_cast<int>(down.size()) * (side + kCaptionPx + kGapPx) + kGapPx, 0);
  std::string table = csv_line(table_header(axes));
  for (std::size_t row = 0; row < down.size(); ++row) {
    for (std::size_t column = 0; column < across.size(); ++column) {
      GenerateConfig turned = config;
      std::vector<double> values = {across[column]};
      turned.dials.set(axes[0].dial, across[column]);
      if (axes.size() > 1) {
        values.push_back(down[row]);
        turned.dials.set(axes[1].dial, down[row]);
      }
      const KneeSample sample = sample_knee(turned, knee);
      const int x = kGapPx + static_cast<int>(column) * (side + kGapPx);
      const int y = kGapPx + static_cast<int>(row) * (side + kCaptionPx + kGapPx);
      paste(shrunk(render_knee(turned, sample, resources, work).picture, 512), x, y, sheet);
      draw_text(caption(values, sample), x + 2, y + side + 3, 1, 230, sheet);
      table += csv_line(table_row(values, sample));
    }
  }
  const auto png = encode_png(PngImage{sheet.width_px, sheet.height_px, 1, 8, std::move(sheet.pixels)}, 6);
  write_file_atomically(file, std::as_bytes(std::span(png)));
  std::filesystem::path csv = file;
  write_file_atomically(csv.replace_extension(".csv"), table);
}

}  // namespace genu::generator
