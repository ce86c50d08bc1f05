#include "pipeline/split/make_split.h"

namespace genu::pipeline {

std::vector<std::size_t> stratified_parts(std::span<const SourceSample> samples, const PartConfig& config) {
  std::vector<PartMember> members;
  members.reserve(samples.size());
  for (const SourceSample& sample : samples) members.push_back({sample.subject, sample.source, sample.kl.value()});
  return stratified_parts(std::span<const PartMember>(members), config);
}

}  // namespace genu::pipeline
