#include "pipeline/split/near_duplicates.h"

#include <fmt/format.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "core/errors.h"

namespace genu::pipeline {

void NearDuplicateConfig::list_fields(FieldList& fields) {
  fields.choice("search", search, {{"on", NearDuplicateSearch::kOn}, {"off", NearDuplicateSearch::kOff}},
                "look for copies of one image in two splits");
  fields.add("most_hash_bits", most_hash_bits, Range{0, 256}, "fingerprints further apart are not compared");
  fields.add("least_correlation", least_correlation, Range{0.0, 1.0}, "structure maps from here on count as copies");
}

std::vector<IndexPair> close_pairs(std::span<const Split> splits, std::span<const ImageFingerprint> fingerprints,
                                   int most_hash_bits) {
  if (splits.size() != fingerprints.size()) throw InternalError("close_pairs: one split a fingerprint");
  // Grouped by split, so that the inner loop runs over neighbours in memory and never meets a pair of one split.
  std::vector<std::size_t> order(splits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return splits[a] < splits[b]; });
  std::vector<ImageFingerprint> grouped;
  std::vector<std::size_t> group_end(order.size());
  for (const std::size_t i : order) grouped.push_back(fingerprints[i]);
  for (std::size_t i = order.size(); i-- > 0;) {
    const bool last = i + 1 == order.size() || splits[order[i + 1]] != splits[order[i]];
    group_end[i] = last ? i + 1 : group_end[i + 1];
  }
  tbb::enumerable_thread_specific<std::vector<IndexPair>> found;
  tbb::parallel_for(std::size_t{0}, grouped.size(), [&](std::size_t i) {
    const ImageFingerprint& one = grouped[i];
    auto& mine = found.local();
    for (std::size_t k = group_end[i]; k < grouped.size(); ++k) {
      if (bits_apart(one, grouped[k]) <= most_hash_bits) mine.push_back(std::minmax(order[i], order[k]));
    }
  });
  std::vector<IndexPair> pairs;
  for (const auto& part : found) pairs.insert(pairs.end(), part.begin(), part.end());
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

NearDuplicateReport check_near_duplicates(std::span<const SourceSample> samples,
                                          std::span<const ImageFingerprint> fingerprints,
                                          const NearDuplicateConfig& config,
                                          const std::function<StructureMap(std::size_t)>& structure_of) {
  NearDuplicateReport report;
  if (config.search == NearDuplicateSearch::kOff) return report;
  std::vector<Split> splits;
  for (const SourceSample& sample : samples) splits.push_back(sample.split);
  std::optional<std::size_t> first_index;
  StructureMap first;
  for (const auto& [i, k] : close_pairs(splits, fingerprints, config.most_hash_bits)) {
    ++report.candidate_pairs;
    if (first_index != i) first_index = i, first = structure_of(i);
    const double alike = likeness(first, structure_of(k));
    if (alike >= config.least_correlation) {
      throw DataError(
          fmt::format("the same image, altered, is in two splits: {} ({}) and {} ({}), structure "
                      "correlation {:.3f}; remove one",
                      samples[i].path.string(), to_string(samples[i].split), samples[k].path.string(),
                      to_string(samples[k].split), alike));
    }
    report.largest_correlation = std::max(report.largest_correlation, alike);
  }
  return report;
}

}  // namespace genu::pipeline
