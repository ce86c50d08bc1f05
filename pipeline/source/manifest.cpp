#include "pipeline/source/manifest.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "core/csv.h"
#include "core/errors.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

const std::vector<std::string>& manifest_columns() {
  static const std::vector<std::string> columns = {"path", "id",      "split",  "kl",    "kl_read",
                                                   "side", "subject", "source", "sha256"};
  return columns;
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
  sample.subject = row.text("subject").empty() ? sample.id : row.text("subject");
  sample.source = row.text("source").empty() ? defaults.source
                                             : row.parsed<Source>("source", parse_source, "synthetic, mendeley or oai");
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

}  // namespace

std::string manifest_csv(std::span<const SourceSample> samples) {
  std::string text = csv_line(manifest_columns());
  for (const SourceSample& sample : samples) {
    text += csv_line({fs::absolute(sample.path).lexically_normal().string(), sample.id,
                      std::string(to_string(sample.split)), std::to_string(sample.kl.value()),
                      std::to_string(sample.kl_read.value()),
                      sample.side ? std::string(to_string(*sample.side)) : std::string(), sample.subject,
                      std::string(to_string(sample.source)), sample.sha256 ? to_hex(*sample.sha256) : std::string()});
  }
  return text;
}

SourceListing read_manifest(const fs::path& path, FaultPolicy policy) {
  const CsvTable table = CsvTable::read(path);
  for (const std::string& column : table.columns()) {
    const auto& known = manifest_columns();
    if (std::find(known.begin(), known.end(), column) == known.end()) {
      throw DataError(path.string() + ": unknown column '" + column +
                      "'; known are path, id, split, kl, kl_read, side, subject, source and sha256");
    }
  }
  return read_rows(table, path.parent_path(), {}, policy);
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
