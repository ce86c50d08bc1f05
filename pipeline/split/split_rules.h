// The rules that no shard set may break: one subject, one split; one image, one split; synthetic knees never among real
// ones that are validated or tested on.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/hash.h"
#include "pipeline/loader/shard_set.h"
#include "pipeline/source/source_sample.h"

namespace genu::pipeline {

// What can be checked before an image is opened. Throws DataError naming both files if a subject is in two splits (the
// subject numbers of mendeley and oai are the same people's; synthetic ones are their own), if hashed subjects and
// others are in different splits, if an id occurs twice in a source, if a synthetic sample is in val, or if test holds
// synthetic and real samples together.
void check_splits(std::span<const SourceSample> samples);

// Throws DataError naming both files if two samples of different splits have the same bytes. sha256[i] belongs to
// samples[i]. Returns how many samples repeat another of the same split (no leak, but worth knowing).
std::size_t check_identical_files(std::span<const SourceSample> samples, std::span<const Sha256Digest> sha256);

// Samples by split, source and grade.
using SplitTable = std::map<Split, std::map<Source, ClassCounts>>;
SplitTable count_samples(std::span<const SourceSample> samples);

// "split  source  KL 0 ... KL 4  all", one line a row, and a line of totals.
std::string to_text(const SplitTable& table);

}  // namespace genu::pipeline
