#include "pipeline/source/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>

#include "core/csv.h"
#include "core/errors.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

// Every column that a manifest may have: those that are always written, then those that are written where a sample has
// them. What starts with kQualityPrefix is for people and is not read back.
const std::vector<std::string>& core_columns() {
  static const std::vector<std::string> columns = {"path", "id",      "split",  "kl",    "kl_read",
                                                   "side", "subject", "source", "sha256"};
  return columns;
}

struct OptionalGroup {
  std::vector<std::string> columns;
  bool (*has)(const SourceSample&);
  std::vector<std::string> (*cells)(const SourceSample&);  // one a column; called where has() is false too
};

std::string number_text(double value) { return fmt::format("{}", value); }

const std::vector<OptionalGroup>& optional_groups() {
  static const std::vector<OptionalGroup> groups = {
      {{"box_left_px", "box_top_px", "box_width_px", "box_height_px"},
       [](const SourceSample& s) { return s.box.has_value(); },
       [](const SourceSample& s) -> std::vector<std::string> {
         if (!s.box) return std::vector<std::string>(4);
         return {std::to_string(s.box->left_px), std::to_string(s.box->top_px), std::to_string(s.box->width_px),
                 std::to_string(s.box->height_px)};
       }},
      {{"pixel_spacing_mm", "pixel_spacing_at"},
       [](const SourceSample& s) { return s.spacing.has_value(); },
       [](const SourceSample& s) -> std::vector<std::string> {
         if (!s.spacing) return std::vector<std::string>(2);
         return {number_text(s.spacing->mm), std::string(to_string(s.spacing->kind))};
       }},
      {{"reads", "label_rule"},
       [](const SourceSample& s) { return !s.reads.empty() || !s.label_rule.empty(); },
       [](const SourceSample& s) -> std::vector<std::string> {
         return {s.reads, s.label_rule};
       }},
      {std::vector<std::string>(kOarsiFeatures.begin(), kOarsiFeatures.end()),
       [](const SourceSample& s) { return s.oarsi != OarsiGrades{}; },
       [](const SourceSample& s) {
         std::vector<std::string> cells;
         for (const auto& grade : s.oarsi) cells.push_back(grade ? number_text(*grade) : std::string());
         return cells;
       }}};
  return groups;
}

bool is_known_column(const std::string& column) {
  const auto in = [&](const std::vector<std::string>& columns) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  return in(core_columns()) || column.starts_with(kQualityPrefix) ||
         std::any_of(optional_groups().begin(), optional_groups().end(),
                     [&](const OptionalGroup& group) { return in(group.columns); });
}

std::optional<Sha256Digest> parse_sha256(const std::string& hex) {
  Sha256Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return 16;
  };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high > 15 || low > 15) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(16 * high + low);
  }
  return digest;
}

// What to take for a column that a manifest leaves out; a needed column has no default.
struct Defaults {
  Source source = Source::kMendeley;
};

// The cells of one row by name.
class Row {
 public:
  Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}

  std::string place() const { return table_.place(row_); }
  bool has(std::string_view column) const { return table_.find_column(column).has_value(); }
  std::string text(std::string_view column) const {
    const auto index = table_.find_column(column);
    return index ? table_.cell(row_, *index) : std::string();
  }
  std::string needed(std::string_view column) const {
    std::string value = text(column);
    if (value.empty()) throw DataError(table_.place(row_) + ": '" + std::string(column) + "' is empty; fill it in");
    return value;
  }
  template <class T>
  T parsed(std::string_view column, const std::function<std::optional<T>(std::string_view)>& parse,
           const std::string& wanted) const {
    const std::string value = needed(column);
    const std::optional<T> result = parse(value);
    if (!result) {
      throw DataError(table_.place(row_) + ": " + std::string(column) + " is '" + value + "'; it must be " + wanted);
    }
    return *result;
  }

 private:
  const CsvTable& table_;
  std::size_t row_;
};

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> parse_positive(std::string_view text) {
  const auto value = parse_number(text);
  return value && *value > 0 ? value : std::nullopt;
}

void read_box(const Row& row, SourceSample& sample) {
  // Half a box is a fault: the whole film instead would show another knee.
  const std::array<const char*, 4> columns = {"box_left_px", "box_top_px", "box_width_px", "box_height_px"};
  if (std::all_of(columns.begin(), columns.end(), [&](const char* column) { return row.text(column).empty(); })) return;
  const auto whole = [&](std::string_view column, int low) {
    return row.parsed<int>(
        column,
        [low](std::string_view text) -> std::optional<int> {
          constexpr int kMost = 1 << 20;
          const auto value = parse_number(text);
          if (!value || *value != std::floor(*value) || !(*value >= low && *value <= kMost)) return std::nullopt;
          return static_cast<int>(*value);
        },
        "a whole number of pixels");
  };
  constexpr int kLeast = -(1 << 20);
  sample.box = PixelBox{whole("box_left_px", kLeast), whole("box_top_px", kLeast), whole("box_width_px", 1),
                        whole("box_height_px", 1)};
}

// Both knees of a person must be known as one subject's; only where nothing names them is a picture its own subject.
void read_subject(const Row& row, SourceSample& sample) {
  if (row.has("subject")) {
    sample.subject = trimmed(row.text("subject"));
    if (sample.subject.empty()) throw DataError(row.place() + ": no subject; fill it in");
    return;
  }
  take_from_name(sample, row.place());
  if (sample.subject.empty()) sample.subject = sample.id;
}

SourceSample sample_of(const Row& row, const fs::path& folder, const Defaults& defaults) {
  SourceSample sample;
  const std::string path = row.needed("path");
  sample.path = folder / path;  // an absolute path stays as it is
  sample.kl = row.parsed<KlGrade>("kl", parse_kl_grade, "a grade 0-4");
  sample.kl_read =
      row.text("kl_read").empty() ? sample.kl : row.parsed<KlGrade>("kl_read", parse_kl_grade, "a grade 0-4");
  sample.split =
      row.text("split").empty() ? Split::kTrain : row.parsed<Split>("split", parse_split, "train, val, test or sample");
  if (!row.text("side").empty()) sample.side = row.parsed<KneeSide>("side", parse_knee_side, "L or R");
  sample.id = row.text("id").empty() ? path : row.text("id");
  read_subject(row, sample);
  sample.source = row.text("source").empty()
                      ? defaults.source
                      : row.parsed<Source>("source", parse_source, "synthetic, mendeley, oai or other");
  sample.reads = row.text("reads");
  sample.label_rule = row.text("label_rule");
  read_box(row, sample);
  if (!row.text("pixel_spacing_at").empty()) {
    sample.spacing = PixelSpacing{
        row.parsed<double>("pixel_spacing_mm", parse_positive, "a number above 0"),
        row.parsed<SpacingKind>("pixel_spacing_at", parse_spacing_kind, "detector, magnified, calibrated or unstated")};
  }
  for (std::size_t k = 0; k < kOarsiFeatureCount; ++k) {
    if (row.text(kOarsiFeatures[k]).empty()) continue;
    sample.oarsi[k] = row.parsed<double>(kOarsiFeatures[k], parse_number, "a number");
  }
  if (!row.text("sha256").empty()) {
    sample.sha256 = row.parsed<Sha256Digest>(
        "sha256", [](std::string_view hex) { return parse_sha256(std::string(hex)); }, "64 hexadecimal digits");
  }
  return sample;
}

SourceListing read_rows(const CsvTable& table, const fs::path& folder, const Defaults& defaults, FaultPolicy policy) {
  static_cast<void>(table.column("path"));  // throws where one is missing
  static_cast<void>(table.column("kl"));
  SourceListing listing;
  for (std::size_t i = 0; i < table.size(); ++i) {
    try {
      listing.samples.push_back(sample_of(Row(table, i), folder, defaults));
    } catch (const DataError& error) {
      report_fault(policy, error.what(), listing.skipped);
    }
  }
  return listing;
}

std::vector<std::string> core_cells(const SourceSample& sample) {
  return {fs::absolute(sample.path).lexically_normal().string(),
          sample.id,
          std::string(to_string(sample.split)),
          std::to_string(sample.kl.value()),
          std::to_string(sample.kl_read.value()),
          sample.side ? std::string(to_string(*sample.side)) : std::string(),
          sample.subject,
          std::string(to_string(sample.source)),
          sample.sha256 ? to_hex(*sample.sha256) : std::string()};
}

void append(std::vector<std::string>& cells, std::vector<std::string> more) {
  std::move(more.begin(), more.end(), std::back_inserter(cells));
}

}  // namespace

std::string manifest_csv(std::span<const SourceSample> samples, const QualityCells& quality) {
  if (!quality.rows.empty() && quality.rows.size() != samples.size()) throw InternalError("manifest: rows of quality");
  std::vector<const OptionalGroup*> used;
  for (const OptionalGroup& group : optional_groups()) {
    if (std::any_of(samples.begin(), samples.end(), group.has)) used.push_back(&group);
  }
  std::vector<std::string> header = core_columns();
  for (const OptionalGroup* group : used) append(header, group->columns);
  for (const std::string& column : quality.columns) header.push_back(std::string(kQualityPrefix) + column);
  std::string text = csv_line(header);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::vector<std::string> cells = core_cells(samples[i]);
    for (const OptionalGroup* group : used) append(cells, group->cells(samples[i]));
    if (!quality.rows.empty()) append(cells, quality.rows[i]);
    text += csv_line(cells);
  }
  return text;
}

SourceListing read_manifest(const fs::path& path, FaultPolicy policy) {
  const CsvTable table = CsvTable::read(path);
  for (const std::string& column : table.columns()) {
    if (is_known_column(column)) continue;
    throw DataError(path.string() + ": unknown column '" + column +
                    "'; a manifest has path, id, split, kl, kl_read, side, subject, source, sha256 and what `genu "
                    "ingest` adds; list any other table with `genu ingest --csv`");
  }
  SourceListing listing = read_rows(table, path.parent_path(), {}, policy);
  if (!table.find_column("subject")) note_own_subjects(path, listing);
  return listing;
}

SourceListing list_synthetic(const fs::path& folder, FaultPolicy policy) {
  const fs::path path = folder / "manifest.csv";
  if (!fs::exists(path)) {
    throw IoError(path.string() + ": no such file; give a folder that `genu generate` has made");
  }
  const CsvTable table = CsvTable::read(path);
  for (const char* column : {"id", "split", "kl_read", "side", "subject", "sha256"}) {
    static_cast<void>(table.column(column));
  }
  return read_rows(table, folder, {Source::kSynthetic}, policy);
}

}  // namespace genu::pipeline
