// The boundary to the module that alone links DCMTK. No exception crosses it, and of what a DICOM file says of the
// patient nothing but the ID does.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
// Texts end with a zero and are empty where the file has none; numbers are 0 where it has none.
struct GenuDicomFilm {
  int width_px;
  int height_px;
  int bit_depth;                 // 8 or 16
  std::uint8_t* bytes;           // from malloc; the caller frees it
  char patient_id[65];           // (0010,0020)
  char body_part[17];            // (0018,0015)
  char laterality[17];           // (0020,0062), else (0020,0060)
  char patient_orientation[33];  // (0020,0020), "L\F"
  char calibration_type[17];     // (0028,0A02)
  double imager_spacing_mm[2];   // (0018,1164) between rows, between columns
  double pixel_spacing_mm[2];    // (0028,0030)
  double magnification;          // (0018,1114)
};

// Returns 0 and fills `film`, or returns 1 and writes one line into `message`.
int genu_dicom_decode(const std::uint8_t* bytes, std::size_t size, GenuDicomFilm* film, char* message,
                      std::size_t message_size);
}
