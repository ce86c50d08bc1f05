#include "pipeline/shard/hdf5_file.h"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "core/errors.h"
#include "pipeline/shard/memory_driver.h"

namespace genu::pipeline {

namespace {

// HDF5's own lock, which its serial build lacks.
std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

class LibraryLock {
 public:
  LibraryLock() : lock_(library_mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  std::lock_guard<std::mutex> lock_;
};

// An identifier and the call that closes it.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

// The innermost line of HDF5's error stack: the cause.
std::string innermost_error() {
  std::string text;
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned, const H5E_error2_t* error, void* out) -> herr_t {
        auto& first = *static_cast<std::string*>(out);
        if (first.empty() && error->desc != nullptr) first = error->desc;
        return 0;
      },
      &text);
  return text.empty() ? "no reason given" : text.substr(0, text.find('\n'));
}

[[noreturn]] void throw_damaged(const std::filesystem::path& path, const std::string& what) {
  throw DataError(path.string() + ": " + what + " (HDF5: " + innermost_error() +
                  "); make the shards again or restore the file");
}

[[noreturn]] void throw_unwritable(const std::filesystem::path& path, const std::string& what) {
  throw IoError(path.string() + ": " + what + " (HDF5: " + innermost_error() + ")");
}

hid_t file_type(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return H5T_STD_U8LE;
    case ElementType::kUint32:
      return H5T_STD_U32LE;
    case ElementType::kUint64:
      return H5T_STD_U64LE;
    case ElementType::kFloat64:
      return H5T_IEEE_F64LE;
  }
  throw InternalError("unknown HDF5 element type");
}

hid_t memory_type(ElementType type) {
  switch (type) {
    case ElementType::kUint8:
      return H5T_NATIVE_UINT8;
    case ElementType::kUint32:
      return H5T_NATIVE_UINT32;
    case ElementType::kUint64:
      return H5T_NATIVE_UINT64;
    case ElementType::kFloat64:
      return H5T_NATIVE_DOUBLE;
  }
  throw InternalError("unknown HDF5 element type");
}

Handle simple_space(std::span<const std::size_t> shape) {
  std::vector<hsize_t> dims(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose};
}

Handle variable_text_type() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return {type, H5Tclose};
}

Handle fixed_text_type(std::size_t length) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, std::max<std::size_t>(length, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return {type, H5Tclose};
}

// A compound of one double a column.
Handle table_type(std::span<const std::string> columns, hid_t number) {
  const hid_t type = H5Tcreate(H5T_COMPOUND, std::max<std::size_t>(columns.size(), 1) * sizeof(double));
  for (std::size_t c = 0; c < columns.size(); ++c) {
    H5Tinsert(type, columns[c].c_str(), c * sizeof(double), number);
  }
  return {type, H5Tclose};
}

// Datasets carry no times, so that the same content gives the same bytes.
Handle dataset_properties() {
  const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(properties, 0);
  H5Pset_layout(properties, H5D_CONTIGUOUS);
  return {properties, H5Pclose};
}

void write_dataset(hid_t file, const std::filesystem::path& path, const std::string& name, hid_t in_file,
                   hid_t in_memory, std::span<const std::size_t> shape, const void* data) {
  const Handle space = simple_space(shape);
  const Handle properties = dataset_properties();
  const Handle set(H5Dcreate2(file, name.c_str(), in_file, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                   H5Dclose);
  if (set.get() < 0 || H5Dwrite(set.get(), in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
    throw_unwritable(path, "cannot write '" + name + "'");
  }
}

void write_attribute_raw(hid_t file, const std::filesystem::path& path, const std::string& object,
                         const std::string& name, const Handle& space, hid_t in_file, hid_t in_memory,
                         const void* data) {
  const Handle owner(H5Oopen(file, object.c_str(), H5P_DEFAULT), H5Oclose);
  const Handle attribute(H5Acreate2(owner.get(), name.c_str(), in_file, space.get(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  if (attribute.get() < 0 || H5Awrite(attribute.get(), in_memory, data) < 0) {
    throw_unwritable(path, "cannot write attribute '" + name + "'");
  }
}

Handle open_dataset(hid_t file, const std::filesystem::path& path, const std::string& name) {
  const hid_t id = H5Dopen2(file, name.c_str(), H5P_DEFAULT);
  if (id < 0) throw_damaged(path, "has no dataset '" + name + "'");
  return {id, H5Dclose};
}

std::vector<std::size_t> shape_of_space(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0) return {};
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

std::size_t element_count(hid_t dataset) {
  const Handle space(H5Dget_space(dataset), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

// The storage in the file must hold every element: a damaged header must not make us allocate without bound.
std::size_t checked_count(hid_t dataset, const std::filesystem::path& path, const std::string& name) {
  const std::size_t count = element_count(dataset);
  const Handle type(H5Dget_type(dataset), H5Tclose);
  if (count > 0 && H5Dget_storage_size(dataset) < count * H5Tget_size(type.get())) {
    throw_damaged(path, "dataset '" + name + "' is smaller than it says");
  }
  return count;
}

template <class T>
std::vector<T> read_numbers(hid_t file, const std::filesystem::path& path, const std::string& name, ElementType type) {
  const Handle set = open_dataset(file, path, name);
  const Handle stored(H5Dget_type(set.get()), H5Tclose);
  if (H5Tequal(stored.get(), file_type(type)) <= 0) throw_damaged(path, "dataset '" + name + "' has another type");
  std::vector<T> values(checked_count(set.get(), path, name));
  if (H5Dread(set.get(), memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    throw_damaged(path, "cannot read '" + name + "'");
  }
  return values;
}

Handle open_attribute(hid_t file, const std::filesystem::path& path, const std::string& object,
                      const std::string& name) {
  const hid_t id = H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  if (id < 0) throw_damaged(path, "has no attribute '" + name + "'");
  return {id, H5Aclose};
}

// Attributes are small; a count beyond this is damage.
constexpr hssize_t kMostAttributeElements = 4096;

std::size_t attribute_count(hid_t attribute, const std::filesystem::path& path, const std::string& name) {
  const Handle space(H5Aget_space(attribute), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (!(count >= 1 && count <= kMostAttributeElements)) throw_damaged(path, "attribute '" + name + "' has no values");
  return static_cast<std::size_t>(count);
}

template <class T>
std::vector<T> read_number_attributes(hid_t file, const std::filesystem::path& path, const std::string& object,
                                      const std::string& name, ElementType type) {
  const Handle attribute = open_attribute(file, path, object, name);
  const Handle stored(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tequal(stored.get(), file_type(type)) <= 0) throw_damaged(path, "attribute '" + name + "' has another type");
  std::vector<T> values(attribute_count(attribute.get(), path, name));
  if (H5Aread(attribute.get(), memory_type(type), values.data()) < 0) {
    throw_damaged(path, "cannot read attribute '" + name + "'");
  }
  return values;
}

}  // namespace

Hdf5File Hdf5File::create_in_memory(const std::filesystem::path& name, Placement placement) {
  auto image = std::make_unique<MemoryFile>();
  const LibraryLock lock;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18);
  if (placement == Placement::kPages) H5Pset_alignment(access.get(), 4096, 4096);
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), 0);
  const bool ready = use_memory_driver(access.get(), *image);
  const hid_t id = ready ? H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()) : -1;
  if (id < 0) throw_unwritable(name, "cannot create");
  return {name, id, std::move(image)};
}

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) throw IoError(path.string() + ": no such file; check the path");
  const LibraryLock lock;
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0) throw_damaged(path, "cannot be opened as HDF5");
  return {path, id, nullptr};
}

Hdf5File Hdf5File::open_in_memory(const std::filesystem::path& name, MemoryFile bytes) {
  auto image = std::make_unique<MemoryFile>(std::move(bytes));
  const LibraryLock lock;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const bool ready = use_memory_driver(access.get(), *image);
  const hid_t id = ready ? H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()) : -1;
  if (id < 0) throw_damaged(name, "cannot be opened as HDF5");
  return {name, id, std::move(image)};
}

Hdf5File::~Hdf5File() {
  if (id_ < 0) return;
  const LibraryLock lock;
  H5Fclose(id_);
}

Hdf5File::Hdf5File(Hdf5File&& other) noexcept
    : path_(std::move(other.path_)), image_(std::move(other.image_)), id_(std::exchange(other.id_, -1)) {}

MemoryFile Hdf5File::close_image() {
  if (!image_ || id_ < 0) throw InternalError("Hdf5File::close_image: no file in memory");
  const LibraryLock lock;
  if (H5Fclose(std::exchange(id_, -1)) < 0) throw_unwritable(path_, "cannot be finished in memory");
  if (!image_->fault().empty()) throw IoError(path_.string() + ": " + image_->fault());
  return std::move(*image_);
}

void Hdf5File::write_array(const std::string& name, ElementType type, std::span<const std::size_t> shape,
                           const void* data) {
  const LibraryLock lock;
  write_dataset(id_, path_, name, file_type(type), memory_type(type), shape, data);
}

void Hdf5File::write_texts(const std::string& name, std::span<const std::string> texts) {
  const LibraryLock lock;
  std::size_t length = 1;
  for (const std::string& text : texts) length = std::max(length, text.size());
  std::string padded;
  padded.reserve(length * texts.size());
  for (const std::string& text : texts) padded.append(text).append(length - text.size(), '\0');
  const Handle type = fixed_text_type(length);
  const std::array<std::size_t, 1> shape = {texts.size()};
  write_dataset(id_, path_, name, type.get(), type.get(), shape, padded.data());
}

void Hdf5File::write_table(const std::string& name, std::span<const NumberColumn> columns) {
  const LibraryLock lock;
  std::vector<std::string> names;
  for (const NumberColumn& column : columns) names.push_back(column.name);
  const std::size_t rows = columns.empty() ? 0 : columns.front().values.size();
  std::vector<double> interleaved;
  interleaved.reserve(rows * columns.size());
  for (std::size_t row = 0; row < rows; ++row) {
    for (const NumberColumn& column : columns) interleaved.push_back(column.values.at(row));
  }
  const Handle in_file = table_type(names, H5T_IEEE_F64LE);
  const Handle in_memory = table_type(names, H5T_NATIVE_DOUBLE);
  const std::array<std::size_t, 1> shape = {rows};
  write_dataset(id_, path_, name, in_file.get(), in_memory.get(), shape, interleaved.data());
}

std::uint64_t Hdf5File::reserve_bytes(const std::string& name, std::span<const std::size_t> shape) {
  const LibraryLock lock;
  const Handle space = simple_space(shape);
  const Handle properties = dataset_properties();
  H5Pset_alloc_time(properties.get(), H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER);
  const Handle set(H5Dcreate2(id_, name.c_str(), H5T_STD_U8LE, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                   H5Dclose);
  const haddr_t offset = set.get() < 0 ? HADDR_UNDEF : H5Dget_offset(set.get());
  if (offset == HADDR_UNDEF) throw_unwritable(path_, "cannot set '" + name + "' aside");
  return offset;
}

std::vector<ByteRange> Hdf5File::write_deflated_rows(
    const std::string& name, std::span<const std::size_t> shape,
    const std::function<std::vector<std::uint8_t>(std::size_t)>& row_of) {
  const LibraryLock lock;
  std::vector<hsize_t> chunk(shape.begin(), shape.end());
  chunk.at(0) = 1;
  const Handle properties = dataset_properties();
  constexpr unsigned kLevelOnRecord = 6;  // HDF5 stores a level; readers do not need it
  H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data());
  H5Pset_deflate(properties.get(), kLevelOnRecord);
  const Handle space = simple_space(shape);
  const Handle set(H5Dcreate2(id_, name.c_str(), H5T_STD_U8LE, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                   H5Dclose);
  if (set.get() < 0) throw_unwritable(path_, "cannot create '" + name + "'");
  std::vector<ByteRange> places;
  std::vector<hsize_t> at(shape.size(), 0);
  for (; at[0] < shape[0]; ++at[0]) {
    const std::vector<std::uint8_t> row = row_of(at[0]);
    haddr_t address = HADDR_UNDEF;
    hsize_t size = 0;
    if (H5Dwrite_chunk(set.get(), H5P_DEFAULT, 0, at.data(), row.size(), row.data()) < 0 ||
        H5Dget_chunk_info_by_coord(set.get(), at.data(), nullptr, &address, &size) < 0 || address == HADDR_UNDEF ||
        size != row.size()) {
      throw_unwritable(path_, "cannot write a row of '" + name + "'");
    }
    places.push_back({address, size});
  }
  return places;
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, const std::string& text) {
  const LibraryLock lock;
  const Handle type = variable_text_type();
  const char* pointer = text.c_str();
  write_attribute_raw(id_, path_, object, name, Handle(H5Screate(H5S_SCALAR), H5Sclose), type.get(), type.get(),
                      &pointer);
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name,
                               const std::vector<std::string>& texts) {
  const LibraryLock lock;
  const Handle type = variable_text_type();
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  const std::array<std::size_t, 1> shape = {texts.size()};
  write_attribute_raw(id_, path_, object, name, simple_space(shape), type.get(), type.get(), pointers.data());
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name, double value) {
  const LibraryLock lock;
  write_attribute_raw(id_, path_, object, name, Handle(H5Screate(H5S_SCALAR), H5Sclose), H5T_IEEE_F64LE,
                      H5T_NATIVE_DOUBLE, &value);
}

void Hdf5File::write_attribute(const std::string& object, const std::string& name,
                               const std::vector<std::uint64_t>& values) {
  const LibraryLock lock;
  const std::array<std::size_t, 1> shape = {values.size()};
  write_attribute_raw(id_, path_, object, name, simple_space(shape), H5T_STD_U64LE, H5T_NATIVE_UINT64, values.data());
}

std::vector<std::size_t> Hdf5File::shape(const std::string& name) const {
  const LibraryLock lock;
  const Handle set = open_dataset(id_, path_, name);
  const Handle space(H5Dget_space(set.get()), H5Sclose);
  return shape_of_space(space.get());
}

std::vector<std::uint8_t> Hdf5File::read_bytes(const std::string& name) const {
  const LibraryLock lock;
  return read_numbers<std::uint8_t>(id_, path_, name, ElementType::kUint8);
}

std::vector<std::uint32_t> Hdf5File::read_uint32(const std::string& name) const {
  const LibraryLock lock;
  return read_numbers<std::uint32_t>(id_, path_, name, ElementType::kUint32);
}

std::vector<std::uint64_t> Hdf5File::read_uint64(const std::string& name) const {
  const LibraryLock lock;
  return read_numbers<std::uint64_t>(id_, path_, name, ElementType::kUint64);
}

std::vector<std::string> Hdf5File::read_texts(const std::string& name) const {
  const LibraryLock lock;
  const Handle set = open_dataset(id_, path_, name);
  const Handle type(H5Dget_type(set.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0) {
    throw_damaged(path_, "dataset '" + name + "' is not fixed-length text");
  }
  const std::size_t length = H5Tget_size(type.get());
  const std::size_t count = checked_count(set.get(), path_, name);
  std::vector<char> padded(length * count);
  const Handle in_memory = fixed_text_type(length);
  if (H5Dread(set.get(), in_memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data()) < 0) {
    throw_damaged(path_, "cannot read '" + name + "'");
  }
  std::vector<std::string> texts;
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* begin = padded.data() + i * length;
    texts.emplace_back(begin, ::strnlen(begin, length));
  }
  return texts;
}

std::vector<NumberColumn> Hdf5File::read_table(const std::string& name, std::span<const std::string> columns) const {
  const LibraryLock lock;
  const Handle set = open_dataset(id_, path_, name);
  const Handle stored(H5Dget_type(set.get()), H5Tclose);
  const Handle in_memory = table_type(columns, H5T_NATIVE_DOUBLE);
  if (H5Tequal(stored.get(), table_type(columns, H5T_IEEE_F64LE).get()) <= 0) {
    throw_damaged(path_, "dataset '" + name + "' has other columns");
  }
  const std::size_t rows = checked_count(set.get(), path_, name);
  std::vector<double> interleaved(rows * columns.size());
  if (H5Dread(set.get(), in_memory.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, interleaved.data()) < 0) {
    throw_damaged(path_, "cannot read '" + name + "'");
  }
  std::vector<NumberColumn> table;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    NumberColumn column{columns[c], std::vector<double>(rows)};
    for (std::size_t row = 0; row < rows; ++row) column.values[row] = interleaved[row * columns.size() + c];
    table.push_back(std::move(column));
  }
  return table;
}

std::uint64_t Hdf5File::contiguous_offset(const std::string& name) const {
  const LibraryLock lock;
  const Handle set = open_dataset(id_, path_, name);
  const Handle type(H5Dget_type(set.get()), H5Tclose);
  const haddr_t offset = H5Dget_offset(set.get());
  if (H5Tequal(type.get(), H5T_STD_U8LE) <= 0 || offset == HADDR_UNDEF) {
    throw_damaged(path_, "dataset '" + name + "' is not contiguous uint8");
  }
  return offset;
}

bool Hdf5File::is_chunked(const std::string& name) const {
  const LibraryLock lock;
  const Handle set = open_dataset(id_, path_, name);
  const Handle properties(H5Dget_create_plist(set.get()), H5Pclose);
  return H5Pget_layout(properties.get()) == H5D_CHUNKED;
}

std::string Hdf5File::read_text_attribute(const std::string& object, const std::string& name) const {
  return read_texts_attribute(object, name).front();
}

std::vector<std::string> Hdf5File::read_texts_attribute(const std::string& object, const std::string& name) const {
  const LibraryLock lock;
  const Handle attribute = open_attribute(id_, path_, object, name);
  const Handle stored(H5Aget_type(attribute.get()), H5Tclose);
  if (H5Tget_class(stored.get()) != H5T_STRING || H5Tis_variable_str(stored.get()) <= 0) {
    throw_damaged(path_, "attribute '" + name + "' is not text");
  }
  std::vector<char*> pointers(attribute_count(attribute.get(), path_, name), nullptr);
  const Handle type = variable_text_type();
  if (H5Aread(attribute.get(), type.get(), pointers.data()) < 0) {
    throw_damaged(path_, "cannot read attribute '" + name + "'");
  }
  std::vector<std::string> texts;
  for (char* pointer : pointers) {
    texts.emplace_back(pointer == nullptr ? "" : pointer);
    H5free_memory(pointer);
  }
  return texts;
}

double Hdf5File::read_number_attribute(const std::string& object, const std::string& name) const {
  const LibraryLock lock;
  return read_number_attributes<double>(id_, path_, object, name, ElementType::kFloat64).front();
}

std::vector<std::uint64_t> Hdf5File::read_uint64_attribute(const std::string& object, const std::string& name) const {
  const LibraryLock lock;
  return read_number_attributes<std::uint64_t>(id_, path_, object, name, ElementType::kUint64);
}

std::string hdf5_version() {
  const LibraryLock lock;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

}  // namespace genu::pipeline
