// The boundary to the module that alone links OpenCV's imgcodecs (GDAL behind it costs 70 ms of start-up). No exception
// crosses it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// As DecodedImage of decode_image.h.
struct GenuImgcodecsImage {
  int width_px;
  int height_px;
  int bit_depth;        // 8 or 16
  std::uint8_t* bytes;  // from malloc; the caller frees it
  double colour_percent;
};

// Returns 0 and fills `image`, or returns 1 and writes one line into `message`.
int genu_imgcodecs_decode(const std::uint8_t* bytes, std::size_t size, GenuImgcodecsImage* image, char* message,
                          std::size_t message_size);
}
