// Reads a Python pickle as data. Nothing in it is executed: a name that the pickle wants to call is looked up in the
// short list of those that weights files need, and any other is an error that names it.
// Opcodes: Python's Lib/pickletools.py; protocols 2 to 4, those that torch.save uses by default.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace genu::train {

struct PickleValue;
using PicklePointer = PickleValue*;  // into Pickle::values

// A tensor as the pickle describes it: a view of a storage.
struct PickledTensor {
  std::string storage_type;  // "FloatStorage"
  std::string storage_key;   // names the entry of the archive
  std::int64_t offset = 0;   // elements
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // elements
};

struct PickleValue {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInteger,
    kReal,
    kText,
    kList,
    kTuple,
    kDict,
    kName,
    kStorage,
    kTensor
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;                                      // kBool, kInteger
  double real = 0;                                               // kReal
  std::string text;                                              // kText, kName ("module.name")
  std::vector<PicklePointer> items;                              // kList, kTuple
  std::vector<std::pair<PicklePointer, PicklePointer>> entries;  // kDict, in the order stored
  PickledTensor tensor;                                          // kStorage (type and key), kTensor
};

// The values refer to one another as the pickle says, in circles too; none owns another.
struct Pickle {
  std::deque<PickleValue> values;
  const PickleValue* top = nullptr;
};

// Throws DataError that begins with `name`: on damage, on an opcode or a name outside the list.
Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& name);

}  // namespace genu::train
