// One image file with its labels, as a source lists it: a row of a manifest.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/hash.h"
#include "core/kl_grade.h"
#include "pipeline/loader/sample_record.h"

namespace genu::pipeline {

struct SourceSample {
  std::filesystem::path path;  // of the image file
  std::string id;              // unique within its source
  Split split = Split::kTrain;
  KlGrade kl;
  KlGrade kl_read;
  std::optional<KneeSide> side;
  std::string subject;
  Source source = Source::kSynthetic;
  std::optional<Sha256Digest> sha256;  // as the manifest states it; checked when the file is read
  bool operator==(const SourceSample&) const = default;
};

// Something that was left out, in one line: "file: fault; remedy".
struct SkippedInput {
  std::string message;
};

struct SourceListing {
  std::vector<SourceSample> samples;  // in an order that depends on the input alone
  std::vector<SkippedInput> skipped;
};

enum class FaultPolicy : std::uint8_t {
  kSkip,  // list the fault and go on
  kStop,  // throw DataError at the first
};

// Adds to `skipped` or throws DataError, as the policy says.
void report_fault(FaultPolicy policy, const std::string& message, std::vector<SkippedInput>& skipped);

}  // namespace genu::pipeline
