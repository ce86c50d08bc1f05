#include "train/loop/folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "core/errors.h"
#include "pipeline/loader/stratified_parts.h"
#include "train/loop/batch_source.h"

namespace genu::train {

namespace {

using pipeline::SampleRecord;
using pipeline::ShardSet;

std::string key_of(const SampleRecord& record) { return pipeline::subject_key(record.subject, record.source); }

std::vector<std::size_t> select_pool(const ShardSet& shards, const FoldPlan& plan, pipeline::Variants variants) {
  std::vector<std::size_t> samples;
  for (const pipeline::Split split : plan.pool) {
    const auto of_split = shards.select({.split = split, .source = std::nullopt, .variants = variants});
    samples.insert(samples.end(), of_split.begin(), of_split.end());
  }
  std::sort(samples.begin(), samples.end());
  samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
  return samples;
}

// Those that are held out in turn.
std::vector<std::size_t> samples_to_part(const ShardSet& shards, const TrainConfig& config, const FoldPlan& plan) {
  std::vector<std::size_t> samples = select_pool(shards, plan, pipeline::Variants::kOriginals);
  std::erase_if(samples, [&](std::size_t i) { return !is_chosen(shards.record(i), config.validation.source); });
  const auto is_real = [&](std::size_t i) { return shards.record(i).source != pipeline::Source::kSynthetic; };
  if (std::any_of(samples.begin(), samples.end(), is_real)) {
    std::erase_if(samples, [&](std::size_t i) { return !is_real(i); });
  }
  return limit_by_turns(shards, std::move(samples), config.data.limit_samples);
}

void check(const TrainConfig& config, const FoldPlan& plan) {
  if (config.validation.split == SplitChoice::kTest) {
    throw ConfigError(
        "validation.split: test would choose each checkpoint on the fold that is held out; set val (the next fold) or "
        "none");
  }
  const int least = config.validation.split == SplitChoice::kNone ? 2 : 3;
  if (plan.folds < least) {
    throw ConfigError(fmt::format("{} folds: at least {} are needed{}", plan.folds, least,
                                  least == 3 ? ", for one validates; or set validation.split=none" : ""));
  }
}

}  // namespace

std::vector<Fold> make_folds(const ShardSet& shards, const TrainConfig& config, const FoldPlan& plan) {
  check(config, plan);
  const auto count = static_cast<std::size_t>(plan.folds);
  const std::vector<std::size_t> parted = samples_to_part(shards, config, plan);
  std::vector<pipeline::PartMember> members;
  for (const std::size_t i : parted) {
    const SampleRecord& record = shards.record(i);
    members.push_back({record.subject, record.source, record.kl.value()});
  }
  const auto part_of =
      pipeline::stratified_parts(members, {std::vector<double>(count, 1.0 / static_cast<double>(count)), plan.seed});

  std::vector<std::vector<std::size_t>> parts(count);
  std::map<std::string, std::size_t> part_of_subject;
  for (std::size_t k = 0; k < parted.size(); ++k) {
    parts[part_of[k]].push_back(parted[k]);
    part_of_subject[key_of(shards.record(parted[k]))] = part_of[k];
  }
  std::vector<std::size_t> to_train = select_pool(shards, plan, config.data.variants);
  std::erase_if(to_train, [&](std::size_t i) { return !is_chosen(shards.record(i), config.data.source); });

  std::vector<Fold> folds(count);
  for (std::size_t f = 0; f < count; ++f) {
    if (parts[f].empty()) {
      throw DataError(
          fmt::format("fold {} of {} would hold nothing out: {} samples of too few subjects; use fewer folds", f, count,
                      parted.size()));
    }
    folds[f].held_out = parts[f];
    const bool validates = config.validation.split == SplitChoice::kVal;
    const std::size_t next = (f + 1) % count;
    if (validates) folds[f].validation = parts[next];
    for (const std::size_t i : to_train) {
      const auto part = part_of_subject.find(key_of(shards.record(i)));
      const bool apart = part != part_of_subject.end() && (part->second == f || (validates && part->second == next));
      if (!apart) folds[f].training.push_back(i);
    }
    folds[f].training = limit_training(shards, std::move(folds[f].training), config.data, plan.seed);
  }
  return folds;
}

}  // namespace genu::train
