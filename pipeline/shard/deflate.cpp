#include "pipeline/shard/deflate.h"

#include <isa-l.h>
#include <libdeflate.h>

#include <map>
#include <memory>

#include "core/errors.h"

namespace genu::pipeline {

namespace {

using Compressor = std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)>;

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
  constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // ISA-L counts in 32 bits
  if (stream.size() > kMostBytes || out.size() > kMostBytes) return false;
  thread_local const auto kept = std::make_unique<inflate_state>();  // 75 kB
  inflate_state& state = *kept;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_ZLIB;
  state.next_in = const_cast<std::uint8_t*>(stream.data());
  state.avail_in = static_cast<std::uint32_t>(stream.size());
  state.next_out = out.data();
  state.avail_out = static_cast<std::uint32_t>(out.size());
  return isal_inflate_stateless(&state) == ISAL_DECOMP_OK && state.block_state == ISAL_BLOCK_FINISH &&
         state.avail_in == 0 && state.avail_out == 0;
}

}  // namespace genu::pipeline
