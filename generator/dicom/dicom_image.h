// A synthetic radiograph as a DICOM file: Digital X-Ray Image Storage - For Presentation, de-identified by construction
// and marked as synthetic. Bytes are a pure function of what comes in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace genu::generator {

enum class DicomCompression { kNone, kJpegLossless, kRle };
enum class Photometric { kMonochrome1, kMonochrome2 };

struct DicomFacts {
  std::uint64_t seed = 0;  // of the dataset; UIDs and dates follow from it and from `image_id`
  std::string image_id;    // unique within the dataset
  std::string patient_id;  // digits
  std::string sex = "O";   // F, M, O
  int age_years = 60;
  std::string laterality;             // L, R, B
  double detector_spacing_mm = 0.17;  // at the detector
  double magnification = 1.05;        // detector millimetres an object millimetre
  double tube_voltage_kvp = 70;
  int bits_stored = 12;  // 8, 12 or 16
  Photometric photometric = Photometric::kMonochrome2;
  DicomCompression compression = DicomCompression::kNone;
  std::string comment;
};

// `grey` [height, width] in [0, 2^bits_stored), bone bright; MONOCHROME1 stores its complement.
// Throws InternalError if the module or DCMTK refuses, UsageError where this build has no module.
std::vector<std::uint8_t> encode_dicom(const std::vector<std::uint16_t>& grey, int width_px, int height_px,
                                       const DicomFacts& facts);

// "2.25." and a 122-bit number that follows from the texts.
std::string derived_uid(std::uint64_t seed, const std::string& what);

}  // namespace genu::generator
