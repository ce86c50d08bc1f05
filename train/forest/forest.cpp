#include "train/forest/forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/errors.h"
#include "core/files.h"
#include "core/module.h"
#include "train/forest/forest_module.h"

namespace genu::train {

namespace {

namespace fs = std::filesystem;

decltype(&genu_forest_fit) load_module() {
  const fs::path path = module_path("libgenu_forest_module.so");
  if (!fs::exists(path)) {
    throw UsageError("model.name: this build cannot grow a random_forest (" + path.string() +
                     " is missing); configure with -DGENU_IMAGES=ON and build again");
  }
  return module_function<decltype(&genu_forest_fit)>(path, "genu_forest_fit", "the forest's module");
}

// What the module gave out, freed at the end.
struct Grown : GenuForest {
  Grown() : GenuForest{} {}
  ~Grown() {
    for (void* array : {static_cast<void*>(roots), static_cast<void*>(feature), static_cast<void*>(threshold),
                        static_cast<void*>(left), static_cast<void*>(right), static_cast<void*>(grade),
                        static_cast<void*>(predicted)}) {
      std::free(array);
    }
  }
  Grown(const Grown&) = delete;
  Grown& operator=(const Grown&) = delete;
};

int winner(const std::vector<double>& votes) {
  return static_cast<int>(std::max_element(votes.begin(), votes.end()) - votes.begin());
}

template <class T>
TensorView view_of(const std::vector<T>& values, ElementType type) {
  return {type, {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

template <class T>
std::vector<T> values_of(const Safetensors& file, const std::string& key, ElementType type) {
  const TensorView& view = file.tensor(key);
  if (view.type != type || view.shape.size() != 1) {
    throw DataError(fmt::format("{}: {}: not a forest's; train it again", file.name(), key));
  }
  std::vector<T> values(view.bytes.size() / sizeof(T));
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

// Children lie behind their parents, so that no walk runs in a circle.
bool is_sound(const Forest& forest) {
  const std::size_t nodes = forest.feature.size();
  if (forest.roots.empty() || forest.threshold.size() != nodes || forest.left.size() != nodes ||
      forest.right.size() != nodes || forest.grade.size() != nodes) {
    return false;
  }
  const auto inside = [](std::int32_t value, std::size_t low, std::size_t end) {
    return value >= 0 && static_cast<std::size_t>(value) >= low && static_cast<std::size_t>(value) < end;
  };
  for (const std::int32_t root : forest.roots) {
    if (!inside(root, 0, nodes)) return false;
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    if (!inside(forest.grade[i], 0, static_cast<std::size_t>(forest.class_count))) return false;
    if (forest.feature[i] == -1) continue;
    if (!inside(forest.feature[i], 0, static_cast<std::size_t>(forest.feature_count)) ||
        !inside(forest.left[i], i + 1, nodes) || !inside(forest.right[i], i + 1, nodes)) {
      return false;
    }
  }
  return true;
}

}  // namespace

void ForestConfig::list_fields(FieldList& fields) {
  fields.add("trees", trees, Range{1, 100000}, "how many are grown");
  fields.add("max_depth", max_depth, Range{1, 25}, "splits from root to leaf; OpenCV goes no deeper than 25");
  fields.add("least_samples", least_samples, Range{1, 1000000}, "a node of no more samples is not split");
  fields.add("features_per_split", features_per_split, Range{0, 1 << 24},
             "pixels looked at for each split; 0 = the root of their number");
}

std::vector<double> Forest::vote(std::span<const float> features) const {
  std::vector<double> votes(static_cast<std::size_t>(class_count), 0.0);
  for (const std::int32_t root : roots) {
    auto node = static_cast<std::size_t>(root);
    while (feature[node] >= 0) {
      const bool goes_left = features[static_cast<std::size_t>(feature[node])] <= threshold[node];
      node = static_cast<std::size_t>(goes_left ? left[node] : right[node]);
    }
    votes[static_cast<std::size_t>(grade[node])] += 1;
  }
  for (double& share : votes) share /= static_cast<double>(roots.size());
  return votes;
}

Forest grow_forest(const ForestSamples& samples, int class_count, const ForestConfig& config, std::uint64_t seed) {
  const GenuForestProblem problem{.samples = samples.features.data(),
                                  .grades = samples.grades.data(),
                                  .sample_count = static_cast<std::int32_t>(samples.grades.size()),
                                  .feature_count = samples.feature_count,
                                  .trees = config.trees,
                                  .max_depth = config.max_depth,
                                  .least_samples = config.least_samples,
                                  .features_per_split = std::min(config.features_per_split, samples.feature_count),
                                  .seed = static_cast<std::int32_t>(seed % std::numeric_limits<std::int32_t>::max())};
  Grown grown;
  std::array<char, 500> message{};
  if (load_module()(&problem, &grown, message.data(), message.size()) != 0) {
    const std::string text = message.data();
    throw DataError("random_forest: OpenCV: " + text.substr(0, text.find('\n')));
  }
  const auto nodes = static_cast<std::size_t>(grown.node_count);
  Forest forest{.class_count = class_count,
                .feature_count = samples.feature_count,
                .roots = {grown.roots, grown.roots + grown.tree_count},
                .feature = {grown.feature, grown.feature + nodes},
                .threshold = {grown.threshold, grown.threshold + nodes},
                .left = {grown.left, grown.left + nodes},
                .right = {grown.right, grown.right + nodes},
                .grade = {grown.grade, grown.grade + nodes}};
  if (!is_sound(forest)) throw InternalError("random_forest: OpenCV's trees are not as expected");
  // Twin: our walk through the trees must grade every training sample as OpenCV's own.
  const auto width = static_cast<std::size_t>(samples.feature_count);
  for (std::size_t i = 0; i < samples.grades.size(); ++i) {
    if (winner(forest.vote(std::span(samples.features).subspan(i * width, width))) != grown.predicted[i]) {
      throw InternalError("random_forest: our trees and OpenCV's grade a training sample differently");
    }
  }
  return forest;
}

void write_forest(const fs::path& path, const Forest& forest) {
  const auto bytes = encode_safetensors({{"roots", view_of(forest.roots, ElementType::kI32)},
                                         {"feature", view_of(forest.feature, ElementType::kI32)},
                                         {"threshold", view_of(forest.threshold, ElementType::kF32)},
                                         {"left", view_of(forest.left, ElementType::kI32)},
                                         {"right", view_of(forest.right, ElementType::kI32)},
                                         {"grade", view_of(forest.grade, ElementType::kI32)}},
                                        {{"format", "genu forest"}});
  write_file_atomically(path, std::as_bytes(std::span(bytes)));
}

Forest read_forest(const fs::path& path, int class_count, int feature_count) {
  const Safetensors file = Safetensors::read(path);
  Forest forest{.class_count = class_count,
                .feature_count = feature_count,
                .roots = values_of<std::int32_t>(file, "roots", ElementType::kI32),
                .feature = values_of<std::int32_t>(file, "feature", ElementType::kI32),
                .threshold = values_of<float>(file, "threshold", ElementType::kF32),
                .left = values_of<std::int32_t>(file, "left", ElementType::kI32),
                .right = values_of<std::int32_t>(file, "right", ElementType::kI32),
                .grade = values_of<std::int32_t>(file, "grade", ElementType::kI32)};
  if (!is_sound(forest)) throw DataError(path.string() + ": a damaged forest; train it again");
  return forest;
}

}  // namespace genu::train
