#include "pipeline/decode/dicom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "core/errors.h"
#include "pipeline/decode/dicom_module.h"
#include "pipeline/decode/module_loader.h"

namespace genu::pipeline {

namespace {

using DecodeFunction = decltype(&genu_dicom_decode);

// One number of a pair; throws where rows and columns differ by more than 1 %.
double square(const std::array<double, 2>& spacing_mm, const std::string& name) {
  const double widest = std::max(spacing_mm[0], spacing_mm[1]);
  if (!(std::abs(spacing_mm[0] - spacing_mm[1]) <= 0.01 * widest)) {
    throw DataError(name + ": its pixels are not square; resample it to square pixels");
  }
  return 0.5 * (spacing_mm[0] + spacing_mm[1]);
}

std::optional<KneeSide> side_of(std::string_view laterality) {
  if (laterality == "R") return KneeSide::kRight;
  if (laterality == "L") return KneeSide::kLeft;
  return std::nullopt;  // U unpaired, B both
}

// The first value is where the rows run to: rows that run to the patient's left begin at the right.
std::optional<PictureLeft> picture_left_of(std::string_view orientation) {
  if (orientation.starts_with('L')) return PictureLeft::kPatientRight;
  if (orientation.starts_with('R')) return PictureLeft::kPatientLeft;
  return std::nullopt;
}

}  // namespace

bool looks_like_dicom(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kPreamble = 128;
  constexpr std::array<std::uint8_t, 4> kMark = {'D', 'I', 'C', 'M'};
  return bytes.size() >= kPreamble + kMark.size() && std::equal(kMark.begin(), kMark.end(), bytes.begin() + kPreamble);
}

std::optional<PixelSpacing> spacing_of(const SpacingAttributes& a) {
  const bool imager = a.imager_mm > 0;
  const bool pixel = a.pixel_mm > 0;
  const bool differ = imager && pixel && std::abs(a.imager_mm - a.pixel_mm) > 1e-3 * a.imager_mm;
  if (pixel && (differ || a.has_calibration_type)) return PixelSpacing{a.pixel_mm, SpacingKind::kCalibrated};
  if (imager && a.magnification > 0) return PixelSpacing{a.imager_mm / a.magnification, SpacingKind::kMagnified};
  if (imager) return PixelSpacing{a.imager_mm, SpacingKind::kDetector};
  if (pixel) return PixelSpacing{a.pixel_mm, SpacingKind::kUnstated};
  return std::nullopt;
}

DicomFilm decode_dicom(std::span<const std::uint8_t> bytes, const std::string& name) {
  // Tried again after a failure.
  static const auto decode = reinterpret_cast<DecodeFunction>(
      load_module_symbol("libgenu_dicom_module.so", "genu_dicom_decode", "DICOM", name));
  GenuDicomFilm raw{};
  std::array<char, 256> message{};
  if (decode(bytes.data(), bytes.size(), &raw, message.data(), message.size()) != 0) {
    throw DataError(name + ": " + message.data());
  }
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner(raw.bytes, &std::free);
  const std::size_t size = static_cast<std::size_t>(raw.width_px) * static_cast<std::size_t>(raw.height_px) *
                           static_cast<std::size_t>(raw.bit_depth / 8);
  DicomFilm film;
  film.image = {raw.width_px, raw.height_px, raw.bit_depth, {raw.bytes, raw.bytes + size}};
  film.patient_id = raw.patient_id;
  film.body_part = raw.body_part;
  film.side = side_of(raw.laterality);
  film.picture_left = picture_left_of(raw.patient_orientation);
  film.spacing = spacing_of({.imager_mm = square({raw.imager_spacing_mm[0], raw.imager_spacing_mm[1]}, name),
                             .pixel_mm = square({raw.pixel_spacing_mm[0], raw.pixel_spacing_mm[1]}, name),
                             .magnification = raw.magnification,
                             .has_calibration_type = raw.calibration_type[0] != '\0'});
  return film;
}

}  // namespace genu::pipeline
