// Content hashes. SHA-256 is OpenSSL's, CRC-32C (Castagnoli) is ISA-L's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace genu {

using Sha256Digest = std::array<std::uint8_t, 32>;

Sha256Digest sha256(std::span<const std::byte> bytes);
Sha256Digest sha256(std::string_view text);
// Throws IoError if the file cannot be read.
Sha256Digest sha256_file(const std::filesystem::path& path);
// Lower-case hexadecimal, 64 characters.
std::string to_hex(const Sha256Digest& digest);

// CRC-32C as in iSCSI (RFC 3720): crc32c("123456789") == 0xE3069283.
std::uint32_t crc32c(std::span<const std::byte> bytes);

// Running SHA-256 over several pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  Sha256Digest finish();

 private:
  void* context_;
};

}  // namespace genu
