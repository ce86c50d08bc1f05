// What is known of one stored sample: who, which knee, which grade, from where.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/hash.h"
#include "core/kl_grade.h"

namespace genu::pipeline {

// Values are stored in shards: append only.
enum class Split : std::uint8_t { kTrain = 0, kVal = 1, kTest = 2, kSample = 3 };
inline constexpr std::array<Split, 4> kAllSplits = {Split::kTrain, Split::kVal, Split::kTest, Split::kSample};
// "train", "val", "test", "sample".
std::string_view to_string(Split split);
std::optional<Split> parse_split(std::string_view text);

// Values are stored in shards: append only.
enum class Source : std::uint8_t { kSynthetic = 0, kMendeley = 1, kOai = 2, kOther = 3 };
inline constexpr std::array<Source, 4> kAllSources = {Source::kSynthetic, Source::kMendeley, Source::kOai,
                                                      Source::kOther};
// "synthetic", "mendeley", "oai", "other" (any other films of real knees).
std::string_view to_string(Source source);
std::optional<Source> parse_source(std::string_view text);

struct SampleRecord {
  std::string sample_id;  // unique within its source and variant
  std::string subject;    // the person; never in two splits
  std::optional<KneeSide> side;
  Source source = Source::kSynthetic;
  Split split = Split::kTrain;
  KlGrade kl;       // reference grade
  KlGrade kl_read;  // grade as read; differs from kl only where reader noise was simulated or two readers disagree
  int variant = 0;  // 0 = the image itself, k = the k-th baked augmentation of it
  Sha256Digest source_sha256{};  // of the source file's bytes
  bool operator==(const SampleRecord&) const = default;
};

}  // namespace genu::pipeline
