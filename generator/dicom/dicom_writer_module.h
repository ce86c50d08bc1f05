// The boundary to the module that alone links DCMTK for writing (its start-up and dictionary cost 30 ms). No exception
// crosses it.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// One attribute of the data set, as text in its own value representation.
struct GenuDicomTag {
  std::uint16_t group;
  std::uint16_t element;
  const char* value;
};

// A sequence of one coded concept: code value, coding scheme, meaning.
struct GenuDicomCode {
  std::uint16_t group;
  std::uint16_t element;
  const char* value;
  const char* scheme;
  const char* meaning;
};

enum GenuDicomCompression { kGenuDicomPlain = 0, kGenuDicomJpegLossless = 1, kGenuDicomRle = 2 };

struct GenuDicomRequest {
  int width_px;
  int height_px;
  int bits_allocated;  // 8 or 16
  const void* pixels;  // uint8 or uint16 [height, width]
  const GenuDicomTag* tags;
  std::size_t tag_count;
  const GenuDicomCode* codes;
  std::size_t code_count;
  GenuDicomCompression compression;
};

// Returns 0 and a whole DICOM file from malloc, which the caller frees; or returns 1 and writes one line into
// `message`. Safe to call from several threads.
int genu_dicom_encode(const GenuDicomRequest* request, std::uint8_t** bytes, std::size_t* size, char* message,
                      std::size_t message_size);
}
