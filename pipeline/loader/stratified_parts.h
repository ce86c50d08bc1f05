// Parts of a set, by subject and alike in grades: a pure function of (seed, subjects, grades, sources), whatever the
// order. `genu split` parts manifests by it, `genu crossval` shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pipeline/loader/sample_record.h"

namespace genu::pipeline {

struct PartConfig {
  std::vector<double> fractions;  // one a part, each >= 0, together 1
  std::uint64_t seed = 0;
};

// What parting needs to know of one sample.
struct PartMember {
  std::string subject;
  Source source = Source::kOther;
  int grade = 0;  // 0 .. 4
};

// Names one person, or one synthetic subject: subject numbers of real sources are one person's, those of synthetic
// knees are apart from them.
std::string subject_key(const std::string& subject, Source source);

// The part of each sample, 0 .. fractions.size() - 1. All samples of a subject are in one part. Subjects are stratified
// by source and by their worst knee's grade; inside a stratum they come in an order drawn from the seed, and each goes
// to the part that is furthest below its share of samples. Throws ConfigError if the fractions are not as said above.
std::vector<std::size_t> stratified_parts(std::span<const PartMember> members, const PartConfig& config);

}  // namespace genu::pipeline
