// CSV as RFC 4180: quotes doubled, LF or CRLF, an optional byte-order mark, a header row; cells parted by commas unless
// told otherwise.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genu {

class CsvTable {
 public:
  // Throws DataError ("FILE:LINE: ...") on a row of the wrong length, an open quote, a column named twice or no header.
  static CsvTable parse(std::string_view text, const std::string& origin, char delimiter = ',');
  // Throws IoError if the file cannot be read, DataError as parse().
  static CsvTable read(const std::filesystem::path& path);
  // The same with the delimiter that the header shows: the most frequent of '|', tab, ';' and ','.
  static CsvTable read_any_delimiter(const std::filesystem::path& path);

  std::size_t size() const { return rows_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  std::optional<std::size_t> find_column(std::string_view name) const;
  // Throws DataError naming the file and the columns it has.
  std::size_t column(std::string_view name) const;
  const std::string& cell(std::size_t row, std::size_t column) const { return rows_.at(row).cells.at(column); }
  // "FILE:LINE" of a row.
  std::string place(std::size_t row) const;

  // Throws DataError with the place unless the cell is a finite number.
  double number(std::size_t row, std::size_t column) const;
  // Throws DataError with the place unless the cell is a whole number in [low, high].
  int integer(std::size_t row, std::size_t column, int low, int high) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::size_t line = 0;
  };
  std::string origin_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

// One line with its line feed; cells are quoted where needed.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace genu
