// A table of counts with its cells shaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/png.h"

namespace genu::plot {

struct Matrix {
  std::string title;
  std::string row_label;
  std::string column_label;
  std::vector<std::string> names;                 // of rows and columns
  std::vector<std::vector<std::int64_t>> counts;  // [row][column]
};

// Each cell shows its count and its share of the row, and is the darker the larger that share. 720 x 640 px.
PngImage draw_matrix(const Matrix& matrix);

}  // namespace genu::plot
