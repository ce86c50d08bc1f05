#include "pipeline/source/source_sample.h"

#include "core/errors.h"

namespace genu::pipeline {

const std::array<std::string_view, kOarsiFeatureCount> kOarsiFeatures = {
    "jsn_medial", "jsn_lateral", "osteophyte_fm", "osteophyte_fl", "osteophyte_tm", "osteophyte_tl"};

std::string_view to_string(SpacingKind kind) {
  switch (kind) {
    case SpacingKind::kDetector:
      return "detector";
    case SpacingKind::kMagnified:
      return "magnified";
    case SpacingKind::kCalibrated:
      return "calibrated";
    case SpacingKind::kUnstated:
      return "unstated";
  }
  return "?";
}

std::optional<SpacingKind> parse_spacing_kind(std::string_view text) {
  for (const SpacingKind kind : kAllSpacingKinds) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

void report_fault(FaultPolicy policy, const std::string& message, std::vector<SkippedInput>& skipped) {
  if (policy == FaultPolicy::kStop) throw DataError(message);
  skipped.push_back({message});
}

}  // namespace genu::pipeline
