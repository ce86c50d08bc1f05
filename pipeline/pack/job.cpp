#include "pipeline/pack/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "core/errors.h"
#include "core/hash.h"
#include "pipeline/shard/shard_format.h"

namespace genu::pipeline {

namespace {

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::size_t> environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto value = whole_number(text);
  if (!value) throw UsageError(fmt::format("--part env: {} is '{}', not a whole number", name, text));
  return value;
}

Part checked(Part part, const std::string& origin) {
  if (!(part.number >= 1 && part.number <= part.count)) {
    throw UsageError(
        fmt::format("--part {}: part {} of {} does not exist; parts count from 1", origin, part.number, part.count));
  }
  return part;
}

Part part_of_environment() {
  const auto rank = environment_number("RANK");
  const auto world = environment_number("WORLD_SIZE");
  if (rank && world) return checked({*rank + 1, *world}, "env");
  const auto task = environment_number("SLURM_ARRAY_TASK_ID");
  const auto count = environment_number("SLURM_ARRAY_TASK_COUNT");
  if (task && count) {
    const std::size_t first = environment_number("SLURM_ARRAY_TASK_MIN").value_or(0);
    const std::size_t step = environment_number("SLURM_ARRAY_TASK_STEP").value_or(1);
    if (step == 0 || *task < first) throw UsageError("--part env: SLURM_ARRAY_TASK_* contradict each other");
    return checked({(*task - first) / step + 1, *count}, "env");
  }
  throw UsageError(
      "--part env: neither RANK and WORLD_SIZE nor SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT are set; give i/n");
}

}  // namespace

Part parse_part(std::string_view text) {
  if (text == "env") return part_of_environment();
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto number = whole_number(text.substr(0, slash));
    const auto count = whole_number(text.substr(slash + 1));
    if (number && count) return checked({*number, *count}, std::string(text));
  }
  throw UsageError(fmt::format("--part {}: give i/n with 1 <= i <= n, or env", text));
}

SampleRange range_of(const Part& part, std::size_t samples) {
  const auto bound = [&](std::size_t number) {
    const std::size_t each = samples / part.count;
    const std::size_t more = samples % part.count;
    return number * each + std::min(number, more);
  };
  return {bound(part.number - 1), bound(part.number)};
}

std::string job_hash(const std::vector<SourceSample>& samples, const ShardConfig& config) {
  Sha256 hash;
  hash.update(fmt::format("genu packing, format {}\n{}\n", kShardFormatVersion, to_yaml(config)));
  for (const SourceSample& s : samples) {
    hash.update(fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n", s.id, s.subject, to_string(s.source),
                            to_string(s.split), s.kl.value(), s.kl_read.value(),
                            s.side ? to_string(*s.side) : std::string_view("?"),
                            s.sha256 ? to_hex(*s.sha256) : std::string()));
    if (s.box) {
      hash.update(fmt::format("{} {} {} {}\n", s.box->left_px, s.box->top_px, s.box->width_px, s.box->height_px));
    }
  }
  return to_hex(hash.finish());
}

}  // namespace genu::pipeline
