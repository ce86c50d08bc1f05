// The safetensors format: 8-byte little-endian header length, JSON header, tensor bytes.
// https://github.com/huggingface/safetensors (README, "Format"). Reading is strict: every byte of the data section
// belongs to exactly one tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace genu::train {

enum class ElementType : std::uint8_t { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU8, kBool };

// "F32", ... as in the header.
std::string_view to_string(ElementType type);
std::size_t byte_size(ElementType type);

struct TensorView {
  ElementType type = ElementType::kF32;
  std::vector<std::int64_t> shape;   // each >= 0; empty = a scalar
  std::span<const std::byte> bytes;  // row-major, little-endian; may be unaligned
};

class Safetensors {
 public:
  // Throws IoError if the file cannot be read; DataError "FILE: fault" or "FILE: TENSOR: fault" if it is damaged:
  // truncated, not JSON, an unknown element type, a size that does not fit the shape, overlaps, gaps, names twice.
  static Safetensors read(const std::filesystem::path& path);
  // The same from memory; `name` begins every message.
  static Safetensors parse(std::vector<std::uint8_t> bytes, const std::string& name);

  const std::string& name() const { return name_; }
  // By tensor name. The views live as long as this object.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Throws DataError naming the file and the key.
  const TensorView& tensor(const std::string& key) const;
  const std::string& metadata_value(const std::string& key) const;

 private:
  std::string name_;
  std::vector<std::uint8_t> bytes_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Bytes of a file with the tensors in name order (so that equal tensors give equal files), data aligned to 8 bytes.
// Throws InternalError if a view's bytes do not fit its shape.
std::vector<std::uint8_t> encode_safetensors(const std::map<std::string, TensorView>& tensors,
                                             const std::map<std::string, std::string>& metadata);

}  // namespace genu::train
