#include "pipeline/source/source_sample.h"

#include "core/errors.h"

namespace genu::pipeline {

void report_fault(FaultPolicy policy, const std::string& message, std::vector<SkippedInput>& skipped) {
  if (policy == FaultPolicy::kStop) throw DataError(message);
  skipped.push_back({message});
}

}  // namespace genu::pipeline
