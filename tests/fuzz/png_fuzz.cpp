// Any bytes as a PNG: the fast decoder gives what the general one gives, or leaves the file to it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/errors.h"
#include "core/png.h"
#include "pipeline/decode/png_grey.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  const auto fast = genu::pipeline::decode_png_grey(bytes);
  try {
    const genu::PngImage general = genu::decode_png(bytes, "fuzz.png");
    if (fast && (general.bytes != fast->bytes || general.width_px != fast->width_px)) __builtin_trap();
  } catch (const genu::Error&) {
    if (fast) __builtin_trap();
  }
  return 0;
}
