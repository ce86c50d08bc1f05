#include "pipeline/pack/row_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace genu::pipeline {

namespace fs = std::filesystem;

RowStore::RowStore(fs::path folder, const RowFormat& format, std::size_t rows_per_file)
    : folder_(std::move(folder)), format_(format), rows_per_file_(rows_per_file) {}

fs::path RowStore::file_name(std::size_t number) const { return folder_ / fmt::format("rows-{:05}", number); }

void RowStore::append(const EncodedRow& row) {
  if (row_count_ == files_.size() * rows_per_file_) {
    if (!files_.empty()) files_.back().close();
    files_.emplace_back(file_name(files_.size()), format_);
  }
  files_.back().append(row);
  ++row_count_;
}

std::vector<std::uint8_t> RowStore::read_stored(std::size_t row) const {
  return files_.at(row / rows_per_file_).read_stored(row % rows_per_file_);
}

std::optional<std::vector<std::uint8_t>> RowStore::read_pixels(std::size_t row) const {
  return files_.at(row / rows_per_file_).read_pixels(row % rows_per_file_);
}

std::size_t RowStore::count_intact(std::span<const StoredRow> rows,
                                   const std::function<fs::path(std::size_t)>& published) {
  std::size_t intact = 0;
  for (std::size_t number = 0; intact < rows.size(); ++number) {
    const fs::path file = file_name(number);
    std::error_code error;
    if (!fs::exists(file) && fs::exists(published(number))) fs::rename(published(number), file, error);
    if (error || !fs::exists(file)) break;
    const auto expected = rows.subspan(intact, std::min(rows_per_file_, rows.size() - intact));
    // Rows that the file is too short for are not there; it may be longer.
    std::vector<StoredRow> present;
    std::uint64_t end = RowFile::first_offset(format_);
    for (const StoredRow& row : expected) {
      end += row.byte_count;
      if (end > fs::file_size(file)) break;
      present.push_back(row);
    }
    const std::size_t whole = RowFile(file, format_, std::move(present)).intact_rows();
    intact += whole;
    if (whole < expected.size()) break;
  }
  return intact;
}

void RowStore::take_over(std::span<const StoredRow> rows) {
  files_.clear();
  row_count_ = rows.size();
  while (!rows.empty()) {
    const auto piece = rows.first(std::min(rows_per_file_, rows.size()));
    files_.emplace_back(file_name(files_.size()), format_, std::vector<StoredRow>(piece.begin(), piece.end()));
    rows = rows.subspan(piece.size());
  }
  std::error_code ignored;
  for (std::size_t number = files_.size(); fs::remove(file_name(number), ignored); ++number) {
  }
}

}  // namespace genu::pipeline
