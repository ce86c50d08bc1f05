#include "pipeline/split/split_rules.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

#include "core/errors.h"
#include "pipeline/source/films.h"

namespace genu::pipeline {

namespace {

// "path (train)".
std::string described(const SourceSample& sample) {
  return fmt::format("{} ({})", sample.path.string(), to_string(sample.split));
}

bool is_synthetic(const SourceSample& sample) { return sample.source == Source::kSynthetic; }

void check_subjects(std::span<const SourceSample> samples) {
  std::map<std::pair<bool, std::string>, const SourceSample*> first_of_subject;
  for (const SourceSample& sample : samples) {
    const auto [it, is_new] = first_of_subject.try_emplace({is_synthetic(sample), sample.subject}, &sample);
    if (!is_new && it->second->split != sample.split) {
      throw DataError(fmt::format("subject {} is in two splits: {} and {}; keep each subject in one split",
                                  sample.subject, described(*it->second), described(sample)));
    }
  }
}

// Under a hash nobody knows a person again. One in each of two splits is enough to leave the question open.
void check_hashed_subjects(std::span<const SourceSample> samples) {
  std::map<Split, const SourceSample*> hashed, plain;
  for (const SourceSample& sample : samples) {
    if (is_synthetic(sample)) continue;
    (sample.subject.starts_with(kHashedSubject) ? hashed : plain).try_emplace(sample.split, &sample);
  }
  for (const auto& [hashed_split, a] : hashed) {
    for (const auto& [plain_split, b] : plain) {
      if (hashed_split == plain_split) continue;
      throw DataError(
          fmt::format("{} has a hashed subject and {} none, so that a person in both would not be known again; hash "
                      "the subjects of every real source with one salt, or of none",
                      described(*a), described(*b)));
    }
  }
}

void check_ids(std::span<const SourceSample> samples) {
  std::map<std::pair<Source, std::string>, const SourceSample*> first_of_id;
  for (const SourceSample& sample : samples) {
    const auto [it, is_new] = first_of_id.try_emplace({sample.source, sample.id}, &sample);
    if (is_new) continue;
    const bool grades_differ = it->second->kl != sample.kl;
    throw DataError(fmt::format(
        "sample {} is given twice{}: {} and {}; keep one", sample.id,
        grades_differ ? fmt::format(" with grades {} and {}", it->second->kl.value(), sample.kl.value()) : "",
        described(*it->second), described(sample)));
  }
}

void check_synthetic(std::span<const SourceSample> samples) {
  const SourceSample* synthetic_test = nullptr;
  const SourceSample* real_test = nullptr;
  for (const SourceSample& sample : samples) {
    if (is_synthetic(sample) && sample.split == Split::kVal) {
      throw DataError(described(sample) + ": synthetic samples may not enter validation; put them in train or test");
    }
    if (sample.split == Split::kTest) (is_synthetic(sample) ? synthetic_test : real_test) = &sample;
  }
  if (synthetic_test != nullptr && real_test != nullptr) {
    throw DataError(
        fmt::format("synthetic and real samples meet in the test split: {} and {}; leave the synthetic ones "
                    "out with --set synthetic_held_out=drop",
                    described(*synthetic_test), described(*real_test)));
  }
}

std::size_t sum(const ClassCounts& counts) { return std::accumulate(counts.begin(), counts.end(), std::size_t{0}); }

std::string table_row(std::string_view split, std::string_view source, const ClassCounts& counts) {
  std::string line = fmt::format("{:<7} {:<10}", split, source);
  for (const std::size_t count : counts) line += fmt::format(" {:>7}", count);
  return line + fmt::format(" {:>8}\n", sum(counts));
}

}  // namespace

void check_splits(std::span<const SourceSample> samples) {
  check_ids(samples);
  check_subjects(samples);
  check_hashed_subjects(samples);
  check_synthetic(samples);
}

std::size_t check_identical_files(std::span<const SourceSample> samples, std::span<const Sha256Digest> sha256) {
  std::map<Sha256Digest, const SourceSample*> first_with_hash;
  std::size_t repeated = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto [it, is_new] = first_with_hash.try_emplace(sha256[i], &samples[i]);
    if (is_new) continue;
    // One film shows both knees of a person.
    repeated += samples[i].box && it->second->box && samples[i].box != it->second->box ? 0u : 1u;
    if (it->second->split != samples[i].split) {
      throw DataError(fmt::format("the same image is in two splits: {} and {}; remove one", described(*it->second),
                                  described(samples[i])));
    }
  }
  return repeated;
}

SplitTable count_samples(std::span<const SourceSample> samples) {
  SplitTable table;
  for (const SourceSample& sample : samples) {
    ++table[sample.split][sample.source].at(static_cast<std::size_t>(sample.kl.value()));
  }
  return table;
}

std::string to_text(const SplitTable& table) {
  std::string text = fmt::format("{:<7} {:<10}", "split", "source");
  for (int grade = 0; grade < kKlGradeCount; ++grade) text += fmt::format(" {:>7}", fmt::format("KL {}", grade));
  text += fmt::format(" {:>8}\n", "all");
  ClassCounts total{};
  for (const auto& [split, sources] : table) {
    for (const auto& [source, counts] : sources) {
      text += table_row(to_string(split), to_string(source), counts);
      for (std::size_t c = 0; c < counts.size(); ++c) total[c] += counts[c];
    }
  }
  return text + table_row("all", "", total);
}

}  // namespace genu::pipeline
