#include "pipeline/loader/stratified_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <tuple>

#include "core/errors.h"
#include "core/hash.h"

namespace genu::pipeline {

namespace {

struct Subject {
  Sha256Digest order{};  // drawn from the seed
  std::string name;
  Source source = Source::kOther;  // of its first sample in the order of sources
  int worst_grade = 0;
  std::vector<std::size_t> samples;
};

std::vector<Subject> collect_subjects(std::span<const PartMember> members, std::uint64_t seed) {
  std::map<std::string, Subject> by_name;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const PartMember& member = members[i];
    Subject& subject = by_name[subject_key(member.subject, member.source)];
    subject.source = subject.samples.empty() ? member.source : std::min(subject.source, member.source);
    subject.worst_grade = std::max(subject.worst_grade, member.grade);
    subject.samples.push_back(i);
  }
  std::vector<Subject> subjects;
  for (auto& [name, subject] : by_name) {
    subject.name = name;
    subject.order = sha256(fmt::format("{}/{}", seed, name));
    subjects.push_back(std::move(subject));
  }
  std::sort(subjects.begin(), subjects.end(),
            [](const Subject& a, const Subject& b) { return std::tie(a.order, a.name) < std::tie(b.order, b.name); });
  return subjects;
}

void check(const std::vector<double>& fractions) {
  double sum = 0;
  for (const double fraction : fractions) {
    if (!(fraction >= 0 && fraction <= 1)) throw ConfigError("split: each fraction must be in 0 .. 1");
    sum += fraction;
  }
  if (!(std::abs(sum - 1) < 1e-6)) throw ConfigError("split: the fractions must add up to 1");
}

// The part that lies furthest below its share once `more` samples are added; the first of equals.
std::size_t neediest(const std::vector<double>& fractions, const std::vector<double>& held, double more) {
  const double total = std::accumulate(held.begin(), held.end(), more);
  std::size_t best = 0;
  double greatest = -1;
  for (std::size_t part = 0; part < fractions.size(); ++part) {
    if (!(fractions[part] > 0)) continue;
    const double lack = fractions[part] * total - held[part];
    if (lack > greatest) greatest = lack, best = part;
  }
  return best;
}

}  // namespace

std::string subject_key(const std::string& subject, Source source) {
  return (source == Source::kSynthetic ? "synthetic/" : "real/") + subject;
}

std::vector<std::size_t> stratified_parts(std::span<const PartMember> members, const PartConfig& config) {
  check(config.fractions);
  std::vector<std::size_t> parts(members.size());
  std::map<std::pair<Source, int>, std::vector<double>> held_of_stratum;
  for (const Subject& subject : collect_subjects(members, config.seed)) {
    auto& held = held_of_stratum[{subject.source, subject.worst_grade}];
    held.resize(config.fractions.size());
    const auto size = static_cast<double>(subject.samples.size());
    const std::size_t part = neediest(config.fractions, held, size);
    held[part] += size;
    for (const std::size_t i : subject.samples) parts[i] = part;
  }
  return parts;
}

}  // namespace genu::pipeline
