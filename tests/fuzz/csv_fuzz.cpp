// Any text as a CSV table: read, or refused as a DataError; what was read writes to text that reads back to the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/csv.h"
#include "core/errors.h"

namespace {

std::string written(const genu::CsvTable& table) {
  std::string text = genu::csv_line(table.columns());
  for (std::size_t row = 0; row < table.size(); ++row) {
    std::vector<std::string> cells;
    for (std::size_t column = 0; column < table.columns().size(); ++column) cells.push_back(table.cell(row, column));
    text += genu::csv_line(cells);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto table = genu::CsvTable::parse(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.csv");
    for (std::size_t row = 0; row < table.size(); ++row) {
      try {
        static_cast<void>(table.number(row, 0));
      } catch (const genu::DataError&) {
      }
    }
    const std::string once = written(table);
    if (once != written(genu::CsvTable::parse(once, "again.csv"))) __builtin_trap();
  } catch (const genu::DataError&) {
  }
  return 0;
}
