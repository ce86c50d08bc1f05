// One knee in one image file with its labels, as a source lists it: a row of a manifest.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hash.h"
#include "core/kl_grade.h"
#include "pipeline/loader/sample_record.h"

namespace genu::pipeline {

// A rectangle of picture pixels. It may reach over the picture's edge; what lies outside reads as black.
struct PixelBox {
  int left_px = 0;
  int top_px = 0;
  int width_px = 0;  // > 0
  int height_px = 0;
  bool operator==(const PixelBox&) const = default;
};

// What a pixel spacing was measured at. Millimetres of anatomy need kCalibrated, or kDetector divided by the
// magnification.
enum class SpacingKind : std::uint8_t {
  kDetector,    // at the detector: DICOM Imager Pixel Spacing
  kMagnified,   // at the object: Imager Pixel Spacing over Estimated Radiographic Magnification Factor
  kCalibrated,  // at the object: DICOM Pixel Spacing, calibrated (it differs from Imager Pixel Spacing)
  kUnstated,    // DICOM Pixel Spacing alone, or equal to Imager Pixel Spacing: nobody says what it was measured at
};
inline constexpr std::array<SpacingKind, 4> kAllSpacingKinds = {SpacingKind::kDetector, SpacingKind::kMagnified,
                                                                SpacingKind::kCalibrated, SpacingKind::kUnstated};
// "detector", "magnified", "calibrated", "unstated".
std::string_view to_string(SpacingKind kind);
std::optional<SpacingKind> parse_spacing_kind(std::string_view text);

struct PixelSpacing {
  double mm = 0;  // > 0, between rows and between columns
  SpacingKind kind = SpacingKind::kUnstated;
  bool operator==(const PixelSpacing&) const = default;
};

// Readings beside the KL grade, where a table has them: OARSI grades 0-3, with decimals where a reader gave them.
inline constexpr std::size_t kOarsiFeatureCount = 6;
// "jsn_medial", "jsn_lateral", "osteophyte_fm", "osteophyte_fl", "osteophyte_tm", "osteophyte_tl".
extern const std::array<std::string_view, kOarsiFeatureCount> kOarsiFeatures;
using OarsiGrades = std::array<std::optional<double>, kOarsiFeatureCount>;

// A path as its text alone: std::filesystem::path keeps each of its parts a second time, half a kilobyte a sample.
class FilePath {
 public:
  FilePath() = default;
  FilePath(const std::filesystem::path& path) : text_(path.string()) {}
  operator std::filesystem::path() const { return text_; }
  const std::string& string() const { return text_; }
  bool operator==(const FilePath&) const = default;

 private:
  std::string text_;
};

struct SourceSample {
  FilePath path;   // of the image file
  std::string id;  // unique within its source
  Split split = Split::kTrain;
  KlGrade kl;
  KlGrade kl_read;
  std::optional<KneeSide> side;
  std::string subject;
  Source source = Source::kSynthetic;
  std::optional<Sha256Digest> sha256;  // as the manifest states it; checked when the file is read
  std::optional<PixelBox> box;         // the part of the picture that shows this knee; none = all of it
  std::optional<PixelSpacing> spacing;
  std::string reads;       // every reading that was at hand, "15=2;37=3" (reader=grade); empty if there was one label
  std::string label_rule;  // which rule made kl out of `reads`
  OarsiGrades oarsi;
  bool operator==(const SourceSample&) const = default;
};

// Something that was left out, in one line: "file: fault; remedy".
struct SkippedInput {
  std::string message;
};

struct SourceListing {
  std::vector<SourceSample> samples;  // in an order that depends on the input alone
  std::vector<SkippedInput> skipped;
  std::vector<std::string> notes;  // worth knowing, no fault: one line each
};

enum class FaultPolicy : std::uint8_t {
  kSkip,  // list the fault and go on
  kStop,  // throw DataError at the first
};

// Adds to `skipped` or throws DataError, as the policy says.
void report_fault(FaultPolicy policy, const std::string& message, std::vector<SkippedInput>& skipped);

}  // namespace genu::pipeline
