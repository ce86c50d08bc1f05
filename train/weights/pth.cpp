#include "train/weights/pth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

#include "core/errors.h"
#include "train/weights/pickle.h"
#include "train/weights/zip_archive.h"

namespace genu::train {

namespace {

using Kind = PickleValue::Kind;

struct StorageType {
  const char* name;
  torch::ScalarType type;
};
constexpr std::array<StorageType, 10> kStorageTypes = {{{"DoubleStorage", torch::kFloat64},
                                                        {"FloatStorage", torch::kFloat32},
                                                        {"HalfStorage", torch::kFloat16},
                                                        {"BFloat16Storage", torch::kBFloat16},
                                                        {"LongStorage", torch::kInt64},
                                                        {"IntStorage", torch::kInt32},
                                                        {"ShortStorage", torch::kInt16},
                                                        {"CharStorage", torch::kInt8},
                                                        {"ByteStorage", torch::kUInt8},
                                                        {"BoolStorage", torch::kBool}}};

torch::ScalarType scalar_type(const std::string& storage) {
  for (const StorageType& known : kStorageTypes) {
    if (storage == known.name) return known.type;
  }
  throw InternalError("storage without a tensor type: " + storage);
}

// Elements from the first to the last that the view touches; nothing if that overflows or is negative.
std::optional<std::int64_t> extent(const PickledTensor& view) {
  constexpr std::int64_t kLargest = std::int64_t{1} << 40;
  std::int64_t last = view.offset;
  if (view.offset < 0 || view.offset > kLargest || view.shape.size() != view.strides.size()) return std::nullopt;
  bool empty = false;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    if (view.shape[i] < 0 || view.shape[i] > kLargest || view.strides[i] < 0 || view.strides[i] > kLargest) {
      return std::nullopt;
    }
    empty = empty || view.shape[i] == 0;
    std::int64_t step = 0;
    if (__builtin_mul_overflow(std::max<std::int64_t>(0, view.shape[i] - 1), view.strides[i], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : last + 1;
}

torch::Tensor make_tensor(const PickledTensor& view, std::span<const std::byte> storage, const std::string& place) {
  const torch::ScalarType type = scalar_type(view.storage_type);
  const auto element = static_cast<std::int64_t>(c10::elementSize(type));
  const auto needed = extent(view);
  // A tensor may repeat elements (stride 0), but not be larger than any file that weights come in.
  std::int64_t count = 1;
  for (const std::int64_t size : view.shape) {
    if (__builtin_mul_overflow(count, size, &count)) count = std::numeric_limits<std::int64_t>::max();
  }
  if (!needed || *needed > static_cast<std::int64_t>(storage.size()) / element ||
      count > std::max<std::int64_t>(1 << 20, 64 * static_cast<std::int64_t>(storage.size()) / element)) {
    throw DataError(place + ": lies outside its storage; the file is damaged");
  }
  torch::Tensor elements = torch::empty({static_cast<std::int64_t>(storage.size()) / element}, type);
  std::memcpy(elements.data_ptr(), storage.data(), elements.nbytes());
  return elements.as_strided(view.shape, view.strides, view.offset).clone(at::MemoryFormat::Contiguous);
}

const PickleValue* find_entry(const PickleValue& dict, const std::string& key) {
  for (const auto& [name, value] : dict.entries) {
    if (name->kind == Kind::kText && name->text == key) return value;
  }
  return nullptr;
}

bool holds_tensors(const PickleValue& value) {
  return value.kind == Kind::kDict && std::any_of(value.entries.begin(), value.entries.end(), [](const auto& entry) {
           return entry.second->kind == Kind::kTensor;
         });
}

const PickleValue& find_state_dict(const PickleValue& top, const std::string& name) {
  if (holds_tensors(top)) return top;
  if (top.kind == Kind::kDict) {
    for (const char* key : {"state_dict", "model_state_dict", "model"}) {
      const PickleValue* inner = find_entry(top, key);
      if (inner != nullptr && holds_tensors(*inner)) return *inner;
    }
  }
  throw DataError(name + ": holds no dict of tensors; save the model's state_dict()");
}

StateDict without_module_prefix(StateDict tensors) {
  static const std::string kPrefix = "module.";
  const bool all =
      std::all_of(tensors.begin(), tensors.end(), [](const auto& entry) { return entry.first.starts_with(kPrefix); });
  if (!all) return tensors;
  StateDict out;
  for (auto& [name, tensor] : tensors) out[name.substr(kPrefix.size())] = std::move(tensor);
  return out;
}

// "archive" of "archive/data.pkl": the entries lie in one folder of any name.
std::string archive_folder(const ZipArchive& archive) {
  for (const auto& [path, bytes] : archive.entries()) {
    if (path.ends_with("/data.pkl")) return path.substr(0, path.size() - std::strlen("data.pkl"));
  }
  throw DataError(archive.name() + ": a zip archive, but not of PyTorch: it holds no data.pkl");
}

void require_little_endian(const ZipArchive& archive, const std::string& folder) {
  if (!archive.contains(folder + "byteorder")) return;  // written since PyTorch 2.1
  const auto bytes = archive.entry(folder + "byteorder");
  const std::string order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (order != "little") throw DataError(archive.name() + ": stored big-endian; save it on a little-endian machine");
}

}  // namespace

StateDict parse_pth(std::vector<std::uint8_t> bytes, const std::string& name) {
  const ZipArchive archive = ZipArchive::parse(std::move(bytes), name);
  const std::string folder = archive_folder(archive);
  if (archive.contains(folder + "constants.pkl")) {
    throw DataError(name + ": a TorchScript program, not weights; save its state_dict()");
  }
  require_little_endian(archive, folder);
  const Pickle pickle = parse_pickle(archive.entry(folder + "data.pkl"), name);
  StateDict tensors;
  for (const auto& [key, value] : find_state_dict(*pickle.top, name).entries) {
    if (key->kind != Kind::kText) throw DataError(name + ": a tensor's name is not text");
    if (value->kind != Kind::kTensor) throw DataError(fmt::format("{}: {}: not a tensor", name, key->text));
    tensors[key->text] = make_tensor(value->tensor, archive.entry(folder + "data/" + value->tensor.storage_key),
                                     fmt::format("{}: {}", name, key->text));
  }
  return without_module_prefix(std::move(tensors));
}

bool looks_like_legacy_pth(const std::vector<std::uint8_t>& bytes) {
  // A pickle of the magic number 0x1950a86a20f9469cfc6c.
  static constexpr std::array<std::uint8_t, 14> kMagic = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c,
                                                          0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
  return bytes.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), bytes.begin());
}

}  // namespace genu::train
