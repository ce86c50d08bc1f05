#include "pipeline/loader/sample_record.h"

namespace genu::pipeline {

std::string_view to_string(Split split) {
  switch (split) {
    case Split::kTrain:
      return "train";
    case Split::kVal:
      return "val";
    case Split::kTest:
      return "test";
    case Split::kSample:
      return "sample";
  }
  return "?";
}

std::optional<Split> parse_split(std::string_view text) {
  for (const Split split : kAllSplits) {
    if (to_string(split) == text) return split;
  }
  return std::nullopt;
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::kSynthetic:
      return "synthetic";
    case Source::kMendeley:
      return "mendeley";
    case Source::kOai:
      return "oai";
    case Source::kOther:
      return "other";
  }
  return "?";
}

std::optional<Source> parse_source(std::string_view text) {
  for (const Source source : kAllSources) {
    if (to_string(source) == text) return source;
  }
  return std::nullopt;
}

}  // namespace genu::pipeline
