// Lets HDF5 work on a MemoryFile: a virtual file driver (HDF5's term for what stands between it and the bytes). The
// library's own in-memory driver would fill the hole where pixels belong, and its file drivers want a path.
#pragma once

#include <hdf5.h>

#include "pipeline/shard/memory_file.h"

namespace genu::pipeline {

// Makes files opened with `access` live in `file`, which must outlive them. Returns whether HDF5 agreed.
// Call under HDF5's lock.
bool use_memory_driver(hid_t access, MemoryFile& file);

}  // namespace genu::pipeline
