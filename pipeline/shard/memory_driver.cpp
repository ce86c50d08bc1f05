#include "pipeline/shard/memory_driver.h"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iterator>

namespace genu::pipeline {

namespace {

struct DriverInfo {
  MemoryFile* file;
};

// HDF5 fills the first member and hands pointers to it around.
struct OpenFile {
  H5FD_t base{};
  MemoryFile* file = nullptr;
  haddr_t end_of_allocation = 0;
};

OpenFile* own(H5FD_t* file) { return reinterpret_cast<OpenFile*>(file); }
const OpenFile* own(const H5FD_t* file) { return reinterpret_cast<const OpenFile*>(file); }

H5FD_t* open_driver(const char*, unsigned, hid_t access, haddr_t) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(access));
  if (info == nullptr) return nullptr;
  auto* opened = new OpenFile;
  opened->file = info->file;
  return &opened->base;
}

herr_t close_driver(H5FD_t* file) {
  delete own(file);
  return 0;
}

herr_t query_driver(const H5FD_t*, unsigned long* flags) {
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_allocation(const H5FD_t* file, H5FD_mem_t) { return own(file)->end_of_allocation; }

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t address) {
  own(file)->end_of_allocation = address;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) {
  try {
    return own(file)->file->size();
  } catch (const std::exception&) {
    return HADDR_UNDEF;
  }
}

// What lies behind the end reads as zero, as HDF5 expects of a driver. No exception may cross the library.
herr_t read_driver(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
  try {
    const std::uint64_t end = own(file)->file->size();
    const std::uint64_t there = address < end ? std::min<std::uint64_t>(size, end - address) : 0;
    auto* out = static_cast<std::uint8_t*>(buffer);
    const auto bytes = own(file)->file->read({address, there});
    std::copy(bytes.begin(), bytes.end(), out);
    std::fill(out + there, out + size, std::uint8_t{0});
    return 0;
  } catch (const std::exception&) {
    return -1;
  }
}

// A file that HDF5 cannot write it cannot close either: it keeps it, and dies at the end of the process on a MemoryFile
// that is gone. So to HDF5 every write succeeds; the fault is noted, and close_image() tells it.
herr_t write_driver(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
  try {
    own(file)->file->write(address, {static_cast<const std::uint8_t*>(buffer), size});
  } catch (const std::exception& error) {
    own(file)->file->note_fault(error.what());
  }
  return 0;
}

// The file is as long as HDF5 says it is when it is flushed or closed.
herr_t truncate_driver(H5FD_t* file, hid_t, hbool_t) {
  try {
    if (own(file)->file->size() != own(file)->end_of_allocation) own(file)->file->resize(own(file)->end_of_allocation);
  } catch (const std::exception& error) {
    own(file)->file->note_fault(error.what());
  }
  return 0;
}

H5FD_class_t driver_class() {
  H5FD_class_t driver{};
  driver.name = "genu_memory";
  driver.maxaddr = (haddr_t{1} << 62) - 1;
  driver.fc_degree = H5F_CLOSE_WEAK;
  driver.fapl_size = sizeof(DriverInfo);  // copied as it is
  driver.open = open_driver;
  driver.close = close_driver;
  driver.query = query_driver;
  driver.get_eoa = end_of_allocation;
  driver.set_eoa = set_end_of_allocation;
  driver.get_eof = end_of_file;
  driver.read = read_driver;
  driver.write = write_driver;
  driver.truncate = truncate_driver;
  constexpr H5FD_mem_t kMap[] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(kMap), std::end(kMap), driver.fl_map);
  return driver;
}

}  // namespace

bool use_memory_driver(hid_t access, MemoryFile& file) {
  static const H5FD_class_t driver = driver_class();
  static const hid_t id = H5FDregister(&driver);
  const DriverInfo info{&file};
  return id >= 0 && H5Pset_driver(access, id, &info) >= 0;
}

}  // namespace genu::pipeline
