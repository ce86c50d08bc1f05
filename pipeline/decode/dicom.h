// DICOM films to grey pixels as a viewer shows them, with the few facts that a knee's label and scale need.
//
// Pixels: stored value -> modality LUT, or rescale slope and intercept -> the first VOI LUT, else the first window
// (VOI LUT Function LINEAR, LINEAR_EXACT or SIGMOID, DICOM PS3.3 C.11.2.1), else the range of values that occur ->
// 0..1; MONOCHROME1 is inverted, so that bone is bright; padding values are black. 8 stored bits give 8 bits, more give
// 16 bits of full range. Transfer syntaxes: uncompressed, deflated, RLE, JPEG (baseline, extended, lossless), JPEG-LS.
//
// Tags read: (0010,0020) Patient ID, (0018,0015) body part, (0018,1114) magnification, (0018,1164) imager pixel
// spacing, (0020,0020) patient orientation, (0020,0060/0062) laterality, (0028,...) pixel description. Nothing else is
// looked at: names, birth dates, addresses and dates cannot leave.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "core/kl_grade.h"
#include "pipeline/decode/decode_image.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// Which side of the patient lies at the picture's left edge.
enum class PictureLeft : std::uint8_t { kPatientRight, kPatientLeft };

struct DicomFilm {
  DecodedImage image;
  std::string patient_id;                   // may be empty
  std::string body_part;                    // "KNEE", may be empty
  std::optional<KneeSide> side;             // of a film of one knee
  std::optional<PictureLeft> picture_left;  // from the patient orientation of the rows
  std::optional<PixelSpacing> spacing;
};

// "DICM" behind the 128 bytes of the preamble.
bool looks_like_dicom(std::span<const std::uint8_t> bytes);

// Throws DataError that begins with `name` if the bytes are damaged, cut off, hold no pixels, colour, several frames or
// pixels that are not square, or are compressed in a way that is not read (JPEG 2000).
DicomFilm decode_dicom(std::span<const std::uint8_t> bytes, const std::string& name);

// What the spacing attributes together say; a spacing is {between rows, between columns} in mm, 0 = not stated. Rules,
// in this order (PS3.3 10.7.1.3):
//   Pixel Spacing beside another Imager Pixel Spacing, or with a calibration type   calibrated
//   Imager Pixel Spacing with a magnification factor                               magnified: spacing / factor
//   Imager Pixel Spacing                                                           detector
//   Pixel Spacing alone                                                            unstated
struct SpacingAttributes {
  double imager_mm = 0;
  double pixel_mm = 0;
  double magnification = 0;
  bool has_calibration_type = false;
};
std::optional<PixelSpacing> spacing_of(const SpacingAttributes& attributes);

}  // namespace genu::pipeline
