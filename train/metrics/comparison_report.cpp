// The comparison as text and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "train/metrics/comparison.h"

namespace genu::train {

namespace {

std::string number_text(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "n/a"; }

nlohmann::ordered_json number_json(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

std::string pair_text(const PairTest& pair, const BootstrapOptions& bootstrap) {
  std::string text =
      fmt::format("{}  ->  {}\n  {:<18} {:>8} {:>8} {:>11}   {:>18} {:>8}\n", pair.a, pair.b, "", "first", "second",
                  "difference", fmt::format("{:g} % interval", 100 * bootstrap.confidence), "p");
  for (const PairedDifference& row : pair.differences) {
    const std::string interval =
        row.interval ? fmt::format("[{:+.4f}, {:+.4f}]", row.interval->low, row.interval->high) : "n/a";
    text +=
        fmt::format("  {:<18} {:>8} {:>8} {:>11}   {:>18} {:>8}\n", row.metric, number_text(row.a), number_text(row.b),
                    row.difference ? fmt::format("{:+.4f}", *row.difference) : "n/a", interval, number_text(row.p));
  }
  if (!pair.mcnemar) return text + "  McNemar            n/a: it takes two single runs\n";
  const McNemar& test = *pair.mcnemar;
  return text + fmt::format(
                    "  McNemar            only the first right {}, only the second {}; exact p {:.4g}; with continuity "
                    "correction chi-squared {:.4f}, p {:.4g}\n",
                    test.only_a_right, test.only_b_right, test.exact_p, test.corrected_chi2, test.corrected_p);
}

std::string anova_text(const MetricAnova& row) {
  std::string text = fmt::format("  {:<24}", row.metric);
  for (const auto& group : row.groups) {
    text += fmt::format(" {:>8.4f} +- {:>6}", group.mean, number_text(group.sd));
  }
  if (row.anova) {
    text += fmt::format("   F({:g}, {:g}) = {:.4f}, p {:.4g}", row.anova->between_degrees, row.anova->within_degrees,
                        row.anova->f, row.anova->p);
  }
  return text + "\n";
}

nlohmann::ordered_json to_json(const PairTest& pair) {
  nlohmann::ordered_json json = {{"a", pair.a}, {"b", pair.b}};
  for (const PairedDifference& row : pair.differences) {
    json["bootstrap"][row.metric] = {
        {"a", number_json(row.a)},
        {"b", number_json(row.b)},
        {"difference", number_json(row.difference)},
        {"interval", row.interval ? nlohmann::ordered_json{row.interval->low, row.interval->high} : nullptr},
        {"p", number_json(row.p)}};
  }
  json["mcnemar"] = nullptr;
  if (pair.mcnemar) {
    json["mcnemar"] = {{"only_a_right", pair.mcnemar->only_a_right},
                       {"only_b_right", pair.mcnemar->only_b_right},
                       {"exact_p", pair.mcnemar->exact_p},
                       {"corrected_chi2", pair.mcnemar->corrected_chi2},
                       {"corrected_p", pair.mcnemar->corrected_p}};
  }
  return json;
}

nlohmann::ordered_json to_json(const MetricAnova& row) {
  nlohmann::ordered_json json = {{"metric", row.metric}};
  for (const auto& group : row.groups) {
    json["groups"].push_back(
        {{"mean", group.mean}, {"sd", number_json(group.sd)}, {"observations", group.observations}});
  }
  json["anova"] = nullptr;
  if (row.anova) {
    json["anova"] = {{"f", row.anova->f},
                     {"between_degrees", row.anova->between_degrees},
                     {"within_degrees", row.anova->within_degrees},
                     {"p", row.anova->p}};
  }
  return json;
}

}  // namespace

std::string comparison_text(const Comparison& comparison) {
  std::string text = fmt::format(
      "{} samples of {} subjects; bootstrap over subjects, {} replicates, seed {}; p values "
      "are not corrected for the number of tests\n\n",
      comparison.samples, comparison.subjects, comparison.bootstrap.replicates, comparison.bootstrap.seed);
  for (const PairTest& pair : comparison.pairs) text += pair_text(pair, comparison.bootstrap) + "\n";
  text +=
      "mean +- SD of each one's runs or folds, in the order given; one-way analysis of variance where each has "
      "several\n";
  for (const MetricAnova& row : comparison.metrics) text += anova_text(row);
  return text;
}

std::string comparison_json(const Comparison& comparison) {
  nlohmann::ordered_json json = {{"contenders", comparison.names},
                                 {"samples", comparison.samples},
                                 {"subjects", comparison.subjects},
                                 {"bootstrap",
                                  {{"replicates", comparison.bootstrap.replicates},
                                   {"confidence", comparison.bootstrap.confidence},
                                   {"seed", comparison.bootstrap.seed},
                                   {"cluster", "subject"}}}};
  for (const PairTest& pair : comparison.pairs) json["pairs"].push_back(to_json(pair));
  for (const MetricAnova& row : comparison.metrics) json["metrics"].push_back(to_json(row));
  return json.dump(2) + "\n";
}

}  // namespace genu::train
