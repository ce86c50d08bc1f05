// All rows of a packing, in files of a fixed number of rows each: the shards before they are completed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/shard/row_file.h"

namespace genu::pipeline {

// Not thread-safe; const members may be called from several threads while nothing is appended.
class RowStore {
 public:
  RowStore(std::filesystem::path folder, const RowFormat& format, std::size_t rows_per_file);

  std::size_t size() const { return row_count_; }
  const std::vector<RowFile>& files() const { return files_; }

  void append(const EncodedRow& row);
  std::vector<std::uint8_t> read_stored(std::size_t row) const;
  // Nothing if the row is damaged.
  std::optional<std::vector<std::uint8_t>> read_pixels(std::size_t row) const;

  // How many of `rows`, from the first on, an interrupted run has left whole. A file that it had already published as
  // `published(number)` is fetched back.
  std::size_t count_intact(std::span<const StoredRow> rows,
                           const std::function<std::filesystem::path(std::size_t)>& published);
  // Goes on behind these rows, all of which must be there; what lies behind them is cut off.
  void take_over(std::span<const StoredRow> rows);

 private:
  std::filesystem::path file_name(std::size_t number) const;

  std::filesystem::path folder_;
  RowFormat format_;
  std::size_t rows_per_file_;
  std::size_t row_count_ = 0;
  std::vector<RowFile> files_;
};

}  // namespace genu::pipeline
