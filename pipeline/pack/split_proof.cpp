#include "pipeline/pack/split_proof.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace genu::pipeline {

namespace {

// Without training images there is nothing to normalise by: grey levels stay as they are.
PixelStatistics training_statistics(std::span<const SourceSample> samples, std::span<const PackedSample* const> packed,
                                    std::uint64_t pixels_each) {
  std::uint64_t pixels = 0;
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].split != Split::kTrain) continue;
    pixels += pixels_each;
    sum += packed[i]->grey_sum;
    squares += packed[i]->grey_square_sum;
  }
  if (pixels == 0) return {};
  const auto count = static_cast<double>(pixels);
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(squares) / count - mean * mean;
  return {mean, std::max(1e-3, std::sqrt(std::max(0.0, variance)))};
}

nlohmann::ordered_json counts_of(const SplitTable& table) {
  nlohmann::ordered_json counts;
  for (const auto& [split, sources] : table) {
    for (const auto& [source, grades] : sources) {
      counts[std::string(to_string(split))][std::string(to_string(source))] = grades;
    }
  }
  return counts;
}

nlohmann::ordered_json subjects_of(std::span<const SourceSample> samples) {
  std::map<Split, std::set<std::string>> subjects;
  for (const SourceSample& s : samples) {
    subjects[s.split].insert(std::string(s.source == Source::kSynthetic ? "synthetic/" : "real/") + s.subject);
  }
  nlohmann::ordered_json counts;
  for (const auto& [split, people] : subjects) counts[std::string(to_string(split))] = people.size();
  return counts;
}

std::string list_hash(std::span<const SourceSample> samples, std::span<const PackedSample* const> packed) {
  Sha256 list;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const SourceSample& s = samples[i];
    list.update(std::string(to_string(s.source)) + "," + s.id + "," + std::string(to_string(s.split)) + "," +
                s.subject + "," + to_hex(packed[i]->sha256) + "\n");
  }
  return to_hex(list.finish());
}

std::size_t count_if(std::span<const PackedSample* const> packed, bool PackedSample::*flag) {
  return static_cast<std::size_t>(
      std::count_if(packed.begin(), packed.end(), [&](const PackedSample* p) { return p->*flag; }));
}

}  // namespace

ProvenFacts prove_split(std::span<const SourceSample> samples, std::span<const PackedSample* const> packed,
                        const ShardConfig& config, const std::function<StructureMap(std::size_t)>& structure_of) {
  ProvenFacts facts;
  {
    std::vector<Sha256Digest> hashes;
    for (const PackedSample* p : packed) hashes.push_back(p->sha256);
    facts.repeated_files = check_identical_files(samples, hashes);
  }
  std::vector<ImageFingerprint> fingerprints;
  for (const PackedSample* p : packed) fingerprints.push_back(p->fingerprint);
  const NearDuplicateReport near = check_near_duplicates(samples, fingerprints, config.near_duplicates, structure_of);
  facts.table = count_samples(samples);
  const auto side = static_cast<std::uint64_t>(config.preprocess.size_px);
  facts.training_pixels = training_statistics(samples, packed, side * side);
  const nlohmann::ordered_json proof = {{"samples", samples.size()},
                                        {"counts_by_split_source_grade", counts_of(facts.table)},
                                        {"subjects_by_split", subjects_of(samples)},
                                        {"subjects_in_two_splits", 0},
                                        {"identical_files_in_two_splits", 0},
                                        {"identical_files_within_a_split", facts.repeated_files},
                                        {"near_duplicates",
                                         {{"searched", config.near_duplicates.search == NearDuplicateSearch::kOn},
                                          {"most_hash_bits", config.near_duplicates.most_hash_bits},
                                          {"least_correlation", config.near_duplicates.least_correlation},
                                          {"candidate_pairs", near.candidate_pairs},
                                          {"largest_correlation_of_no_copy", near.largest_correlation},
                                          {"copies_in_two_splits", 0}}},
                                        {"negatives_righted", count_if(packed, &PackedSample::was_negative)},
                                        {"right_knees_mirrored", count_if(packed, &PackedSample::was_mirrored)},
                                        {"coloured_made_grey", count_if(packed, &PackedSample::was_coloured)},
                                        {"samples_sha256", list_hash(samples, packed)}};
  facts.split_proof_json = proof.dump(2);
  return facts;
}

}  // namespace genu::pipeline
