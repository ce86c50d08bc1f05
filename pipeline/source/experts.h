// One set of pictures graded by two experts: two trees of grade folders, or two CSVs. Both grades are kept: `reads`
// holds them as "expert_1=2;expert_2=3", kl is what the rule makes of them, kl_read the other one.
#pragma once

#include <filesystem>

#include "pipeline/source/csv_source.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

enum class ExpertRule : std::uint8_t {
  kFirst,   // kl is expert 1's grade
  kSecond,  // kl is expert 2's grade
  kLower,   // kl is the lower grade
  kHigher,  // kl is the higher grade
  kAgreed,  // pictures on which they differ are left out
};

struct ExpertsConfig {
  std::filesystem::path first;  // folder of grade folders, or CSV
  std::filesystem::path second;
  ExpertRule rule = ExpertRule::kFirst;
  CsvColumns columns = {};  // for CSVs
  Source source = Source::kOther;
  Split split = Split::kTrain;
};

// Pictures are matched by their bytes (SHA-256), and where those differ by subject and side in their names. A picture
// that only one expert graded, or that one expert graded twice, is a fault. Path, id, subject and side are expert 1's.
// Throws IoError, DataError as list_csv() and list_grade_folders().
SourceListing list_experts(const ExpertsConfig& config, FaultPolicy policy);

}  // namespace genu::pipeline
