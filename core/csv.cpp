#include "core/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/errors.h"
#include "core/files.h"

namespace genu {

CsvTable CsvTable::parse(std::string_view text, const std::string& origin, char delimiter) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  CsvTable table;
  table.origin_ = origin;
  std::vector<std::string> cells;
  std::string cell;
  std::size_t line = 1;
  std::size_t row_line = 1;
  bool quoted = false;      // inside quotes
  bool was_quoted = false;  // this cell began with a quote
  bool row_open = false;

  const auto end_row = [&] {
    cells.push_back(std::move(cell));
    cell.clear();
    was_quoted = false;
    if (table.columns_.empty()) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (std::find(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(i), cells[i]) !=
            cells.begin() + static_cast<std::ptrdiff_t>(i)) {
          throw DataError(fmt::format("{}:{}: column '{}' is named twice; rename one", origin, row_line, cells[i]));
        }
      }
      table.columns_ = std::move(cells);
    } else {
      if (cells.size() != table.columns_.size()) {
        throw DataError(fmt::format("{}:{}: {} cells where the header has {}; mend the row", origin, row_line,
                                    cells.size(), table.columns_.size()));
      }
      table.rows_.push_back({std::move(cells), row_line});
    }
    cells.clear();
    row_open = false;
  };

  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!row_open) {
      row_line = line;
      if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {  // empty line
        if (c == '\r') ++i;
        ++line;
        continue;
      }
      row_open = true;
    }
    if (quoted) {
      if (c == '\n') ++line;
      if (c != '"') {
        cell += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"' && cell.empty() && !was_quoted) {
      quoted = was_quoted = true;
    } else if (c == delimiter) {
      cells.push_back(std::move(cell));
      cell.clear();
      was_quoted = false;
    } else if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
      if (c == '\r') ++i;
      end_row();
      ++line;
    } else if (was_quoted) {
      throw DataError(fmt::format("{}:{}: text after a closing quote; double the quotes inside a cell", origin, line));
    } else {
      cell += c;
    }
  }
  if (quoted) throw DataError(fmt::format("{}:{}: a quote is never closed", origin, row_line));
  if (row_open) end_row();
  if (table.columns_.empty()) throw DataError(origin + ": empty; a header row with column names is needed");
  return table;
}

CsvTable CsvTable::read(const std::filesystem::path& path) { return parse(read_text_file(path), path.string()); }

CsvTable CsvTable::read_any_delimiter(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  const std::string_view header = std::string_view(text).substr(0, text.find('\n'));
  char delimiter = ',';
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    const auto count = std::count(header.begin(), header.end(), candidate);
    if (count > most) most = count, delimiter = candidate;
  }
  return parse(text, path.string(), delimiter);
}

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

std::size_t CsvTable::column(std::string_view name) const {
  if (const auto found = find_column(name)) return *found;
  std::string all;
  for (const auto& known : columns_) all += (all.empty() ? "" : ", ") + known;
  throw DataError(fmt::format("{}: no column '{}'; it has: {}", origin_, name, all));
}

std::string CsvTable::place(std::size_t row) const { return fmt::format("{}:{}", origin_, rows_.at(row).line); }

double CsvTable::number(std::size_t row, std::size_t column) const {
  const std::string& text = cell(row, column);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) {
    throw DataError(fmt::format("{}: column '{}' must be a number, got '{}'", place(row), columns_[column], text));
  }
  return value;
}

int CsvTable::integer(std::size_t row, std::size_t column, int low, int high) const {
  const std::string& text = cell(row, column);
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !(value >= low && value <= high)) {
    throw DataError(fmt::format("{}: column '{}' must be a whole number in {} .. {}, got '{}'", place(row),
                                columns_[column], low, high, text));
  }
  return value;
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    // Unquoted, a byte-order mark at the start of a file and a row of one empty cell would not be read back.
    const bool vanishes = cells[i].starts_with("\xEF\xBB\xBF") || (cells.size() == 1 && cells[i].empty());
    if (!vanishes && cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      out += cells[i];
      continue;
    }
    out += '"';
    for (const char c : cells[i]) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  return out + "\n";
}

}  // namespace genu
