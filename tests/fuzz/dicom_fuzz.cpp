// Any bytes as a DICOM film: decoded, or refused as a DataError.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/errors.h"
#include "pipeline/decode/decode_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The entry asks for the mark behind the preamble; without it nothing of the format would be reached.
  std::vector<std::uint8_t> bytes(data, data + size);
  if (bytes.size() < 132) bytes.resize(132);
  bytes[128] = 'D', bytes[129] = 'I', bytes[130] = 'C', bytes[131] = 'M';
  try {
    static_cast<void>(genu::pipeline::decode_image(bytes, "fuzz.dcm"));
  } catch (const genu::DataError&) {
  }
  return 0;
}
