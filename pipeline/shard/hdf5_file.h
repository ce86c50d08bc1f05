// The only door to HDF5: one RAII class over the C API. Library errors become DataError or IoError with the file's
// name. Debian's serial HDF5 is not safe for threads, so every call holds one lock; nothing that is fast passes here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "pipeline/shard/memory_file.h"

namespace genu::pipeline {

enum class ElementType : std::uint8_t { kUint8, kUint32, kUint64, kFloat64 };

// One named column of a table of numbers (an HDF5 compound of float64).
struct NumberColumn {
  std::string name;
  std::vector<double> values;
};

// Whether arrays start on a page (a mapped reader then gets aligned pixels) or close together.
enum class Placement : std::uint8_t { kPages, kPacked };

class Hdf5File {
 public:
  // A file in memory whose bytes depend only on what is written: no time stamps, one fixed format version (HDF5 1.8).
  // Nothing is written under `name`; it begins error messages.
  static Hdf5File create_in_memory(const std::filesystem::path& name, Placement placement);
  // Throws IoError if there is no such file, DataError if it is not a whole HDF5 file.
  static Hdf5File open(const std::filesystem::path& path);
  // The same for one that lies in memory; `name` begins error messages.
  static Hdf5File open_in_memory(const std::filesystem::path& name, MemoryFile bytes);
  ~Hdf5File();
  Hdf5File(Hdf5File&& other) noexcept;
  Hdf5File& operator=(Hdf5File&&) = delete;

  // Completes a file made by create_in_memory() and hands it out. Nothing may follow.
  MemoryFile close_image();

  // Writes a dataset; `data` holds the product of `shape` elements.
  void write_array(const std::string& name, ElementType type, std::span<const std::size_t> shape, const void* data);
  // A dataset [texts.size()] of fixed-length, null-padded UTF-8.
  void write_texts(const std::string& name, std::span<const std::string> texts);
  // A dataset [rows] with one float64 field a column.
  void write_table(const std::string& name, std::span<const NumberColumn> columns);
  // A contiguous dataset of bytes whose place is set aside but not written; returns its offset in the file.
  std::uint64_t reserve_bytes(const std::string& name, std::span<const std::size_t> shape);
  // A dataset of bytes in chunks of one row [1, shape[1], ...], deflated. Each chunk is given as it is to be stored (a
  // zlib stream) by `row_of`, called once a row in order; returns where they lie in the file.
  std::vector<ByteRange> write_deflated_rows(const std::string& name, std::span<const std::size_t> shape,
                                             const std::function<std::vector<std::uint8_t>(std::size_t)>& row_of);

  // Attributes. `object` is "/" or a dataset's name.
  void write_attribute(const std::string& object, const std::string& name, const std::string& text);
  void write_attribute(const std::string& object, const std::string& name, const std::vector<std::string>& texts);
  void write_attribute(const std::string& object, const std::string& name, double value);
  void write_attribute(const std::string& object, const std::string& name, const std::vector<std::uint64_t>& values);

  // Throws DataError if the dataset is missing or of another shape rank or kind.
  std::vector<std::size_t> shape(const std::string& name) const;
  std::vector<std::uint8_t> read_bytes(const std::string& name) const;
  std::vector<std::uint32_t> read_uint32(const std::string& name) const;
  std::vector<std::uint64_t> read_uint64(const std::string& name) const;
  std::vector<std::string> read_texts(const std::string& name) const;
  std::vector<NumberColumn> read_table(const std::string& name, std::span<const std::string> columns) const;
  // Where a contiguous, unfiltered uint8 dataset starts in the file. Throws DataError if it is anything else.
  std::uint64_t contiguous_offset(const std::string& name) const;
  bool is_chunked(const std::string& name) const;

  std::string read_text_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> read_texts_attribute(const std::string& object, const std::string& name) const;
  double read_number_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::uint64_t> read_uint64_attribute(const std::string& object, const std::string& name) const;

 private:
  Hdf5File(std::filesystem::path path, std::int64_t id, std::unique_ptr<MemoryFile> image)
      : path_(std::move(path)), image_(std::move(image)), id_(id) {}

  std::filesystem::path path_;
  std::unique_ptr<MemoryFile> image_;  // where the file lies, if in memory; HDF5 holds its address
  std::int64_t id_;
};

// "1.10.8".
std::string hdf5_version();

}  // namespace genu::pipeline
