#include "train/weights/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "core/errors.h"
#include "core/files.h"

namespace genu::train {

namespace {

struct TypeInfo {
  ElementType type;
  std::string_view name;
  std::size_t byte_size;
};

constexpr std::array<TypeInfo, 10> kTypes = {{{ElementType::kF64, "F64", 8},
                                              {ElementType::kF32, "F32", 4},
                                              {ElementType::kF16, "F16", 2},
                                              {ElementType::kBf16, "BF16", 2},
                                              {ElementType::kI64, "I64", 8},
                                              {ElementType::kI32, "I32", 4},
                                              {ElementType::kI16, "I16", 2},
                                              {ElementType::kI8, "I8", 1},
                                              {ElementType::kU8, "U8", 1},
                                              {ElementType::kBool, "BOOL", 1}}};

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // the reference reader's limit

std::optional<ElementType> parse_type(std::string_view name) {
  for (const TypeInfo& info : kTypes) {
    if (info.name == name) return info.type;
  }
  return std::nullopt;
}

// Bytes of a tensor, or nothing if the count overflows.
std::optional<std::uint64_t> expected_bytes(ElementType type, const std::vector<std::int64_t>& shape) {
  std::uint64_t count = byte_size(type);
  for (const std::int64_t side : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(side), &count)) return std::nullopt;
  }
  return count;
}

std::uint64_t read_length(const std::vector<std::uint8_t>& bytes, const std::string& name) {
  if (bytes.size() < kLengthBytes) {
    throw DataError(fmt::format("{}: only {} bytes, not a safetensors file; fetch it again", name, bytes.size()));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::uint64_t{bytes[i]} << (8 * i);
  if (length > kLargestHeader) {
    throw DataError(fmt::format("{}: header length {} is absurd; not a safetensors file", name, length));
  }
  if (length > bytes.size() - kLengthBytes) {
    throw DataError(fmt::format("{}: truncated: the header says {} bytes, the file holds {}; fetch it again", name,
                                length, bytes.size() - kLengthBytes));
  }
  return length;
}

// Throws on syntax errors and on tensor names that occur twice (which nlohmann's own parse would hide).
nlohmann::json parse_header(std::string_view text, const std::string& name) {
  std::set<std::string> seen;
  std::string twice;
  const auto note_keys = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1) {
      const auto key = parsed.get<std::string>();
      if (!seen.insert(key).second) twice = key;
    }
    return true;
  };
  nlohmann::json header;
  try {
    header = nlohmann::json::parse(text, note_keys);
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: the header is not JSON; not a safetensors file, or damaged", name));
  }
  if (!header.is_object()) throw DataError(fmt::format("{}: the header is not a JSON object", name));
  if (!twice.empty()) throw DataError(fmt::format("{}: {}: named twice in the header", name, twice));
  return header;
}

struct Placed {
  TensorView view;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Placed parse_entry(const nlohmann::json& entry, std::span<const std::byte> data, const std::string& place) {
  const auto fail = [&](const std::string& fault) { throw DataError(place + ": " + fault); };
  if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    fail("must hold dtype, shape and data_offsets, and nothing else");
  }
  Placed placed;
  const auto& dtype = entry["dtype"];
  const auto type = dtype.is_string() ? parse_type(dtype.get<std::string>()) : std::nullopt;
  if (!type) fail(fmt::format("element type {} is not known", dtype.dump()));
  placed.view.type = *type;
  const auto& shape = entry["shape"];
  const auto& offsets = entry["data_offsets"];
  const auto is_size = [](const nlohmann::json& value) {
    return value.is_number_unsigned() &&
           value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  };
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_size)) fail("shape is not a list of sizes");
  if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_size)) {
    fail("data_offsets are not two positions");
  }
  for (const auto& side : shape) placed.view.shape.push_back(side.get<std::int64_t>());
  placed.begin = offsets[0].get<std::uint64_t>();
  placed.end = offsets[1].get<std::uint64_t>();
  if (!(placed.begin <= placed.end && placed.end <= data.size())) {
    fail(fmt::format("bytes {} to {} lie outside the {} bytes of data; the file is truncated or damaged", placed.begin,
                     placed.end, data.size()));
  }
  if (expected_bytes(*type, placed.view.shape) != placed.end - placed.begin) {
    fail(fmt::format("{} bytes do not fit shape {} of {}", placed.end - placed.begin, shape.dump(), to_string(*type)));
  }
  placed.view.bytes = data.subspan(placed.begin, placed.end - placed.begin);
  return placed;
}

// Every byte of the data section belongs to exactly one tensor.
void require_tiling(std::vector<std::pair<std::string, Placed>> entries, std::size_t data_size,
                    const std::string& name) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.second.begin, a.second.end, a.first) < std::tuple(b.second.begin, b.second.end, b.first);
  });
  std::uint64_t covered = 0;
  for (const auto& [key, placed] : entries) {
    if (placed.begin < covered) throw DataError(fmt::format("{}: {}: overlaps the tensor before it", name, key));
    if (placed.begin > covered) {
      throw DataError(fmt::format("{}: {}: {} unused bytes before it", name, key, placed.begin - covered));
    }
    covered = placed.end;
  }
  if (covered != data_size) {
    throw DataError(fmt::format("{}: {} bytes after the last tensor belong to none", name, data_size - covered));
  }
}

std::map<std::string, std::string> parse_metadata(const nlohmann::json& value, const std::string& name) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) throw DataError(fmt::format("{}: __metadata__ is not an object", name));
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) throw DataError(fmt::format("{}: __metadata__: {} is not text", name, key));
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

}  // namespace

std::string_view to_string(ElementType type) { return kTypes[static_cast<std::size_t>(type)].name; }
std::size_t byte_size(ElementType type) { return kTypes[static_cast<std::size_t>(type)].byte_size; }

Safetensors Safetensors::read(const std::filesystem::path& path) { return parse(read_file(path), path.string()); }

Safetensors Safetensors::parse(std::vector<std::uint8_t> bytes, const std::string& name) {
  Safetensors file;
  file.name_ = name;
  file.bytes_ = std::move(bytes);
  const std::uint64_t header_length = read_length(file.bytes_, name);
  const std::span<const std::byte> all = std::as_bytes(std::span(file.bytes_));
  const std::span<const std::byte> data = all.subspan(kLengthBytes + header_length);
  const nlohmann::json header =
      parse_header({reinterpret_cast<const char*>(file.bytes_.data()) + kLengthBytes, header_length}, name);
  std::vector<std::pair<std::string, Placed>> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      file.metadata_ = parse_metadata(value, name);
      continue;
    }
    entries.emplace_back(key, parse_entry(value, data, name + ": " + key));
    file.tensors_[key] = entries.back().second.view;
  }
  require_tiling(std::move(entries), data.size(), name);
  return file;
}

const TensorView& Safetensors::tensor(const std::string& key) const {
  const auto found = tensors_.find(key);
  if (found == tensors_.end()) throw DataError(fmt::format("{}: {}: missing", name_, key));
  return found->second;
}

const std::string& Safetensors::metadata_value(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) throw DataError(fmt::format("{}: __metadata__: {}: missing", name_, key));
  return found->second;
}

std::vector<std::uint8_t> encode_safetensors(const std::map<std::string, TensorView>& tensors,
                                             const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::size_t offset = 0;
  for (const auto& [key, view] : tensors) {
    if (expected_bytes(view.type, view.shape) != view.bytes.size()) {
      throw InternalError(key + ": bytes do not fit the shape");
    }
    header[key] = {
        {"dtype", to_string(view.type)}, {"shape", view.shape}, {"data_offsets", {offset, offset + view.bytes.size()}}};
    offset += view.bytes.size();
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::vector<std::uint8_t> out(kLengthBytes + text.size() + offset);
  for (std::size_t i = 0; i < kLengthBytes; ++i) out[i] = static_cast<std::uint8_t>(text.size() >> (8 * i));
  std::memcpy(out.data() + kLengthBytes, text.data(), text.size());
  std::size_t position = kLengthBytes + text.size();
  for (const auto& [key, view] : tensors) {
    if (!view.bytes.empty()) std::memcpy(out.data() + position, view.bytes.data(), view.bytes.size());
    position += view.bytes.size();
  }
  return out;
}

}  // namespace genu::train
