#include "pipeline/shard/deflate.h"

#include <libdeflate.h>

#include <map>
#include <memory>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

using Compressor = std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)>;
using Decompressor = std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

// Making one costs more than a small image; each thread keeps its own.
libdeflate_compressor* compressor_of_thread(int level) {
  thread_local std::map<int, Compressor> kept;
  auto found = kept.find(level);
  if (found == kept.end()) {
    found = kept.emplace(level, Compressor(libdeflate_alloc_compressor(level), &libdeflate_free_compressor)).first;
  }
  if (!found->second) throw InternalError("libdeflate gives no compressor of this level");
  return found->second.get();
}

}  // namespace

std::vector<std::uint8_t> deflate_zlib(std::span<const std::uint8_t> bytes, int level) {
  libdeflate_compressor* compressor = compressor_of_thread(level);
  std::vector<std::uint8_t> out(libdeflate_zlib_compress_bound(compressor, bytes.size()));
  out.resize(libdeflate_zlib_compress(compressor, bytes.data(), bytes.size(), out.data(), out.size()));
  if (out.empty()) throw InternalError("libdeflate could not compress");
  return out;
}

bool inflate_zlib(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  thread_local const Decompressor decompressor(libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  if (!decompressor) throw InternalError("libdeflate gives no decompressor");
  std::size_t read = 0;
  const auto result = libdeflate_zlib_decompress_ex(decompressor.get(), stream.data(), stream.size(), out.data(),
                                                    out.size(), &read, nullptr);
  return result == LIBDEFLATE_SUCCESS && read == stream.size();
}

}  // namespace genu::pipeline
