#include "pipeline/source/csv_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "core/csv.h"
#include "core/errors.h"
#include "pipeline/source/folders.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

struct ColumnRole {
  std::string_view name;
  std::string CsvColumns::*given;
  std::vector<std::string_view> usual;
};

const std::vector<ColumnRole>& roles() {
  static const std::vector<ColumnRole> all = {
      {"path", &CsvColumns::path, {"path", "file", "filename", "file_name", "image", "image_path"}},
      {"kl", &CsvColumns::kl, {"kl", "kl_grade", "grade", "label"}},
      {"kl_read", &CsvColumns::kl_read, {"kl_read"}},
      {"subject", &CsvColumns::subject, {"subject", "subject_id", "patient", "patient_id"}},
      {"side", &CsvColumns::side, {"side", "laterality", "knee"}},
      {"split", &CsvColumns::split, {"split", "set", "part"}},
      {"id", &CsvColumns::id, {"id", "sample_id"}}};
  return all;
}

// Which column of the file plays which role.
class ColumnMap {
 public:
  ColumnMap(const CsvTable& table, const fs::path& file, const CsvColumns& wanted) : table_(table) {
    for (const ColumnRole& role : roles()) places_.push_back(find(role, file, wanted));
    if (wanted.extra == ExtraColumns::kIgnore) return;
    for (std::size_t c = 0; c < table.columns().size(); ++c) {
      if (std::find(places_.begin(), places_.end(), std::optional(c)) == places_.end()) {
        throw DataError(
            fmt::format("{}: unknown column '{}'; say what it is with --columns, or pass over such columns with "
                        "--extra-columns ignore",
                        file.string(), table.columns()[c]));
      }
    }
  }

  bool has(std::string_view role) const { return place(role).has_value(); }
  // Empty where there is no such column.
  std::string text(std::size_t row, std::string_view role) const {
    const auto column = place(role);
    return column ? table_.cell(row, *column) : std::string();
  }

 private:
  std::optional<std::size_t> place(std::string_view role) const {
    for (std::size_t i = 0; i < roles().size(); ++i) {
      if (roles()[i].name == role) return places_[i];
    }
    throw InternalError("no column role " + std::string(role));
  }

  std::optional<std::size_t> find(const ColumnRole& role, const fs::path& file, const CsvColumns& wanted) const {
    const std::string& given = wanted.*role.given;
    if (!given.empty()) return table_.column(given);  // throws where it is missing
    for (const std::string_view usual : role.usual) {
      for (std::size_t c = 0; c < table_.columns().size(); ++c) {
        if (lower_case(table_.columns()[c]) == usual) return c;
      }
    }
    if (role.name != "path" && role.name != "kl") return std::nullopt;
    std::string all;
    for (const auto& column : table_.columns()) all += (all.empty() ? "" : ", ") + column;
    throw DataError(fmt::format("{}: no column for {}; name it with --columns {}=NAME; the file has: {}", file.string(),
                                role.name == "kl" ? "the grade" : "the path", role.name, all));
  }

  const CsvTable& table_;
  std::vector<std::optional<std::size_t>> places_;
};

class RowReader {
 public:
  RowReader(const CsvSourceConfig& config, const CsvTable& table)
      : config_(config), table_(table), columns_(table, config.file, config.columns) {}

  const ColumnMap& columns() const { return columns_; }

  SourceSample read(std::size_t row) const {
    SourceSample sample;
    const std::string path = columns_.text(row, "path");
    if (path.empty()) fault(row, "no path; fill it in");
    const fs::path folder = config_.folder.empty() ? config_.file.parent_path() : config_.folder;
    sample.path = folder / path;
    sample.kl = grade(row, "kl");
    sample.kl_read = columns_.text(row, "kl_read").empty() ? sample.kl : grade(row, "kl_read");
    sample.split = split(row);
    sample.side = side(row);
    sample.id = columns_.text(row, "id").empty() ? path : columns_.text(row, "id");
    sample.subject = trimmed(columns_.text(row, "subject"));
    sample.source = config_.source;
    take_from_name(sample, table_.place(row));
    if (sample.subject.empty()) {
      if (columns_.has("subject")) fault(row, "no subject; fill it in");
      sample.subject = sample.id;
    }
    return sample;
  }

 private:
  [[noreturn]] void fault(std::size_t row, const std::string& what) const {
    throw DataError(table_.place(row) + ": " + what);
  }

  KlGrade grade(std::size_t row, std::string_view role) const {
    const std::string text = columns_.text(row, role);
    const auto parsed = parse_grade_name(text);
    if (!parsed) fault(row, fmt::format("{} is '{}'; it must be a grade 0-4", role, text));
    return *parsed;
  }

  Split split(std::size_t row) const {
    const std::string text = columns_.text(row, "split");
    if (text.empty()) return config_.split;
    const auto parsed = parse_split_name(text);
    if (!parsed) fault(row, "split is '" + text + "'; it must be train, val or test");
    return *parsed;
  }

  std::optional<KneeSide> side(std::size_t row) const {
    const std::string text = columns_.text(row, "side");
    if (text.empty()) return std::nullopt;
    if (text == "1") return KneeSide::kRight;  // the OAI's numbers
    if (text == "2") return KneeSide::kLeft;
    const auto parsed = parse_knee_side(text);
    if (!parsed) fault(row, "side is '" + text + "'; it must be L or R, left or right, or 1 (right) or 2 (left)");
    return parsed;
  }

  const CsvSourceConfig& config_;
  const CsvTable& table_;
  ColumnMap columns_;
};

// Only where the pictures have a folder of their own: beside the table anything may lie.
void note_pictures_without_row(const CsvSourceConfig& config, SourceListing& listing) {
  if (config.folder.empty() || !is_folder(config.folder)) return;
  std::set<fs::path> listed;
  for (const SourceSample& sample : listing.samples) listed.insert(fs::path(sample.path).lexically_normal());
  std::vector<SkippedInput> unreadable;  // of folders that no row asks for
  std::size_t count = 0;
  std::string first;
  for (const fs::path& file : files_under(config.folder, FaultPolicy::kSkip, unreadable)) {
    if (!is_image_name(file) || listed.contains(file.lexically_normal())) continue;
    if (++count == 1) first = file.string();
  }
  if (count == 0) return;
  listing.notes.push_back(fmt::format("{}: {} of the pictures under {} are in no usable row, the first: {}",
                                      config.file.string(), count, config.folder.string(), first));
}

}  // namespace

CsvColumns parse_csv_columns(const std::string& assignments, ExtraColumns extra) {
  CsvColumns columns;
  columns.extra = extra;
  std::istringstream parts(assignments);
  for (std::string part; std::getline(parts, part, ',');) {
    const std::size_t equals = part.find('=');
    const std::string role = part.substr(0, equals);
    const auto known =
        std::find_if(roles().begin(), roles().end(), [&](const ColumnRole& r) { return r.name == role; });
    if (equals == std::string::npos || equals + 1 == part.size() || known == roles().end()) {
      throw UsageError("--columns: '" + part +
                       "' is not ROLE=NAME with ROLE one of path, kl, kl_read, subject, side, split and id");
    }
    columns.*known->given = part.substr(equals + 1);
  }
  return columns;
}

SourceListing list_csv(const CsvSourceConfig& config, FaultPolicy policy) {
  const CsvTable table = CsvTable::read_any_delimiter(config.file);
  const RowReader reader(config, table);
  SourceListing listing;
  for (std::size_t row = 0; row < table.size(); ++row) {
    try {
      listing.samples.push_back(reader.read(row));
    } catch (const DataError& error) {
      report_fault(policy, error.what(), listing.skipped);
    }
  }
  note_pictures_without_row(config, listing);
  if (!reader.columns().has("subject")) note_own_subjects(config.file, listing);
  return listing;
}

}  // namespace genu::pipeline
