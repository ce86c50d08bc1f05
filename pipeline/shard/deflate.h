// zlib streams (RFC 1950): made by libdeflate, read by ISA-L, which inflates faster (docs/results.md). Safe to call
// from any number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace genu::pipeline {

// level: 1 (fast) .. 12 (small).
std::vector<std::uint8_t> deflate_zlib(std::span<const std::uint8_t> bytes, int level);

// Fills `out` exactly; false if the stream is damaged or holds any other number of bytes.
bool inflate_zlib(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace genu::pipeline
