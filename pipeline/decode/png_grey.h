// A fast path for the PNG that a shard is made of: 8-bit grey, not interlaced. Inflate and CRC are ISA-L's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "pipeline/decode/decode_image.h"

namespace genu::pipeline {

// Returns nothing if the file is of another kind or irregular in any way (wrong checksum, missing chunk, wrong length):
// the general decoder then takes it or says what is wrong.
std::optional<DecodedImage> decode_png_grey(std::span<const std::uint8_t> bytes);

}  // namespace genu::pipeline
