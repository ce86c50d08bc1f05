#include "pipeline/source/experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/errors.h"
#include "pipeline/source/folders.h"
#include "pipeline/source/mendeley.h"
#include "pipeline/source/names.h"

namespace genu::pipeline {

namespace fs = std::filesystem;

namespace {

SourceListing list_one(const fs::path& path, const ExpertsConfig& config, FaultPolicy policy) {
  if (!is_folder(path)) return list_csv({path, {}, config.columns, config.source, config.split}, policy);
  SourceListing listing = list_grade_folders(path, config.split, Naming::kAny, policy);
  for (SourceSample& sample : listing.samples) sample.source = config.source;
  return listing;
}

// "9001400L" for a file that is called after its knee, "" for any other.
std::string knee_of(const SourceSample& sample) {
  const auto name = parse_knee_name(fs::path(sample.path).stem().string());
  return name ? name->subject + std::string(to_string(name->side)) : std::string();
}

// The pictures of one expert, to be found by bytes or by knee.
class Shelf {
 public:
  Shelf(SourceListing& listing, FaultPolicy policy, SourceListing& out) {
    for (SourceSample& sample : listing.samples) {
      try {
        sample.sha256 = sha256_file(sample.path);
      } catch (const IoError& error) {
        report_fault(policy, error.what(), out.skipped);
        continue;
      }
      const auto [it, is_new] = by_bytes_.try_emplace(*sample.sha256, &sample);
      if (!is_new) {
        report_fault(
            policy,
            fmt::format("{}: the same picture as {}, graded {} and {} by one expert; keep one", sample.path.string(),
                        it->second->path.string(), sample.kl.value(), it->second->kl.value()),
            out.skipped);
        if (sample.kl != it->second->kl) contradictory_.insert(*sample.sha256);
        continue;
      }
      if (const std::string knee = knee_of(sample); !knee.empty()) by_knee_.try_emplace(knee, &sample);
      in_order_.push_back(&sample);
    }
    std::erase_if(in_order_, [&](const SourceSample* s) { return contradictory_.contains(*s->sha256); });
  }

  const std::vector<SourceSample*>& in_order() const { return in_order_; }

  const SourceSample* find(const SourceSample& sample) const {
    if (contradictory_.contains(*sample.sha256)) return nullptr;
    if (const auto it = by_bytes_.find(*sample.sha256); it != by_bytes_.end()) return it->second;
    const auto it = by_knee_.find(knee_of(sample));
    return it != by_knee_.end() && !contradictory_.contains(*it->second->sha256) ? it->second : nullptr;
  }

 private:
  std::map<Sha256Digest, SourceSample*> by_bytes_;
  std::map<std::string, SourceSample*> by_knee_;
  std::set<Sha256Digest> contradictory_;
  std::vector<SourceSample*> in_order_;
};

std::string_view to_string(ExpertRule rule) {
  switch (rule) {
    case ExpertRule::kFirst:
      return "expert_1";
    case ExpertRule::kSecond:
      return "expert_2";
    case ExpertRule::kLower:
      return "lower";
    case ExpertRule::kHigher:
      return "higher";
    case ExpertRule::kAgreed:
      return "agreed";
  }
  return "?";
}

SourceSample joined(const SourceSample& first, const SourceSample& second, ExpertRule rule) {
  const bool take_first = rule == ExpertRule::kFirst || rule == ExpertRule::kAgreed ||
                          (rule == ExpertRule::kLower && first.kl <= second.kl) ||
                          (rule == ExpertRule::kHigher && first.kl >= second.kl);
  SourceSample sample = first;
  sample.kl = take_first ? first.kl : second.kl;
  sample.kl_read = take_first ? second.kl : first.kl;
  sample.reads = fmt::format("expert_1={};expert_2={}", first.kl.value(), second.kl.value());
  sample.label_rule = to_string(rule);
  return sample;
}

}  // namespace

SourceListing list_experts(const ExpertsConfig& config, FaultPolicy policy) {
  SourceListing first = list_one(config.first, config, policy);
  SourceListing second = list_one(config.second, config, policy);
  SourceListing out;
  out.notes = first.notes;
  out.skipped = std::move(first.skipped);
  std::move(second.skipped.begin(), second.skipped.end(), std::back_inserter(out.skipped));
  const Shelf first_shelf(first, policy, out);
  const Shelf second_shelf(second, policy, out);
  std::set<const SourceSample*> matched;
  for (const SourceSample* sample : first_shelf.in_order()) {
    const SourceSample* other = second_shelf.find(*sample);
    if (other == nullptr) {
      report_fault(policy, sample->path.string() + ": graded by expert 1 only; left out", out.skipped);
      continue;
    }
    matched.insert(other);
    if (config.rule == ExpertRule::kAgreed && sample->kl != other->kl) {
      // What the rule asks for, no fault: it does not stop a strict run.
      out.skipped.push_back({fmt::format("{}: expert 1 says {}, expert 2 says {}; left out", sample->path.string(),
                                         sample->kl.value(), other->kl.value())});
      continue;
    }
    out.samples.push_back(joined(*sample, *other, config.rule));
  }
  for (const SourceSample* sample : second_shelf.in_order()) {
    if (!matched.contains(sample)) {
      report_fault(policy, sample->path.string() + ": graded by expert 2 only; left out", out.skipped);
    }
  }
  return out;
}

}  // namespace genu::pipeline
