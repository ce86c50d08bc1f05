#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "train/models/custom_cnn.h"
#include "train/models/freeze.h"
#include "train/models/layout.h"
#include "train/models/mobilenet_v2.h"
#include "train/models/registry.h"
#include "train/weights/state_dict.h"

namespace genu::train {
namespace {

constexpr double kParity = 1e-4;

nlohmann::json fixture(const std::string& name) {
  return nlohmann::json::parse(read_text_file(GENU_SOURCE_DIR "/tests/train/fixtures/" + name));
}

// formula_weights() of tests/train/fixtures/make_fixtures.py.
void set_formula_weights(torch::nn::Module& model, double gain = 1.0) {
  const torch::NoGradGuard no_grad;
  std::uint64_t t = 0;
  for (auto& [name, tensor] : state_dict(model)) {
    const std::uint64_t offset = t++ * 974711U + 12345U;
    if (name.ends_with("num_batches_tracked")) continue;
    const bool scale = name.ends_with("running_var") || (tensor.dim() == 1 && name.ends_with("weight"));
    const double base = scale ? 1.0 : 0.0;
    const double factor = scale ? 0.25
                          : tensor.dim() == 1
                              ? 0.1
                              : gain * std::sqrt(8.0 / static_cast<double>(tensor.numel() / tensor.size(0)));
    torch::Tensor value = torch::empty(tensor.sizes());
    float* out = value.data_ptr<float>();
    for (std::int64_t i = 0; i < value.numel(); ++i) {
      const auto hash = static_cast<std::uint32_t>(static_cast<std::uint64_t>(i) * 2654435761U + offset);
      out[i] = static_cast<float>(base + factor * (static_cast<double>(hash) / 2147483648.0 - 1.0));
    }
    torch::Tensor(tensor).copy_(value);
  }
}

// formula_images() of the same script: [3, 3, side, side].
torch::Tensor formula_images(std::int64_t side) {
  const torch::Tensor line = torch::arange(side, torch::kFloat64);
  const torch::Tensor y = line.unsqueeze(1).expand({side, side});
  const torch::Tensor x = line.unsqueeze(0).expand({side, side});
  std::vector<torch::Tensor> planes;
  for (int k = 0; k < 3; ++k) {
    for (int c = 0; c < 3; ++c) {
      planes.push_back(torch::sin(0.11 * (k + 1) * x + 0.05 * (c + 1) * y + k) * torch::cos(0.07 * y * (k + 1) - c));
    }
  }
  return torch::stack(planes).reshape({3, 3, side, side}).to(torch::kFloat32);
}

std::int64_t parameter_count(const torch::nn::Module& model) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : model.parameters()) count += parameter.numel();
  return count;
}

// names_digest() of make_model_fixtures.py.
std::string names_digest(const torch::nn::Module& model) {
  std::string lines;
  for (const auto& [name, tensor] : state_dict(model)) {
    lines += fmt::format("{} [{}]\n", name, fmt::join(tensor.sizes().vec(), ", "));
  }
  return to_hex(sha256(lines));
}

// Within 1e-4, and within 1e-4 of the largest logit where all are small.
void expect_logits(const torch::Tensor& logits, const nlohmann::json& expected) {
  ASSERT_EQ(logits.sizes(), (std::vector<std::int64_t>{3, 5}));
  const double tolerance = kParity * std::min(1.0, logits.abs().max().item<double>());
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t k = 0; k < 5; ++k) {
      EXPECT_NEAR(logits[i][k].item<double>(), expected[i][k].get<double>(), tolerance);
    }
  }
}

// Twins: torchvision's networks (for MobileNetV1 and Xception, definitions of our own in Python).
class Parity : public ::testing::TestWithParam<std::string> {};

TEST_P(Parity, NamesShapesParametersAndLogitsAreTheTwins) {
  const auto expected = fixture("model_logits.json").at(GetParam());
  const auto model = make_model({.name = GetParam(), .dropout = 0.2});
  EXPECT_EQ(parameter_count(*model), expected["parameters"].get<std::int64_t>());
  ASSERT_EQ(names_digest(*model), expected["names_sha256"].get<std::string>());
  set_formula_weights(*model, expected["gain"]);
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor images = formula_images(expected["side"]);
  expect_logits(model->forward(images), expected["logits"]);
  use_channels_last(*model);
  expect_logits(model->forward(images), expected["logits"]);
}

INSTANTIATE_TEST_SUITE_P(Networks, Parity,
                         ::testing::Values("mobilenet_v1", "mobilenet_v2", "resnet_18", "resnet_34", "resnet_50",
                                           "vgg_16", "vgg_19", "densenet_121", "densenet_169", "efficientnet_b0",
                                           "efficientnet_b4", "xception", "vit_b_16"),
                         [](const auto& row) { return row.param; });

TEST(MobileNetV2, ImageNetWeightsGiveTorchvisionsLogits) {
  const char* folder = std::getenv("GENU_WEIGHTS");
  const std::string path = (folder != nullptr ? std::string(folder) : GENU_SOURCE_DIR "/../shared/weights") +
                           "/mobilenet_v2_imagenet.safetensors";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here; set GENU_WEIGHTS to its folder";
  const auto expected = fixture("mobilenet_v2_imagenet_logits.json");
  const auto model = make_mobilenet_v2({.outputs = 1000});
  EXPECT_EQ(parameter_count(*model), expected["parameters"].get<std::int64_t>());
  load_state_or_throw(*model, read_weights(path), {}, path);
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor logits = model->forward(formula_images(expected["side"]));
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t k = 0; k < 20; ++k) {
      EXPECT_NEAR(logits[i][50 * k].item<double>(), expected["logits"][i][k].get<double>(), kParity);
    }
  }
}

TEST(MobileNetV2, OneChannelStandsForThreeEqualOnes) {
  const auto model = make_mobilenet_v2({});
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor grey = torch::randn({2, 1, 64, 64});
  EXPECT_TRUE(
      torch::allclose(model->forward(grey), model->forward(grey.expand({-1, 3, -1, -1}).contiguous()), 1e-5, 1e-6));
}

TEST(MobileNetV2, HasNineteenFeatureBlocks) { EXPECT_EQ(make_mobilenet_v2({})->feature_blocks().size(), 19U); }

// Counted by hand: convolutions 9 * in * out + out, batch norms 2 * out, linear layers in * out + out.
TEST(CustomCnn, HasThePublishedLayers) {
  const std::int64_t conv = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 128 + 128) + (9 * 128 * 256 + 256);
  const std::int64_t norm = 2 * (32 + 64 + 128 + 256);
  const std::int64_t linear = (16384 * 256 + 256) + (256 * 5 + 5);
  const auto model = make_custom_cnn({});
  EXPECT_EQ(parameter_count(*model), conv + norm + linear);
  model->eval();
  EXPECT_EQ(model->forward(torch::randn({2, 1, 128, 128})).sizes(), (std::vector<std::int64_t>{2, 5}));
}

TEST(CustomCnn, LogitsDoNotDependOnTheMemoryLayout) {
  const auto model = make_custom_cnn({});
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randn({2, 1, 128, 128});
  const torch::Tensor before = model->forward(pixels);
  use_channels_last(*model);
  EXPECT_TRUE(torch::allclose(model->forward(pixels.contiguous(at::MemoryFormat::ChannelsLast)), before, 1e-4, 1e-5));
}

TEST(Registry, KnowsItsNetworksAndNamesThemOtherwise) {
  EXPECT_EQ(model_names().size(), 15U);
  try {
    make_model({.name = "resnet_9000"});
    FAIL();
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("model.name: no network 'resnet_9000'; there are compact_resnet, custom_cnn, "))
        << text;
  }
}

TEST(Registry, TakesGreyOrColour) {
  EXPECT_EQ(input_spec({.name = "resnet_18"}).channels, 3);
  EXPECT_EQ(input_spec({.name = "resnet_18", .channels = 1}).channels, 1);
  EXPECT_EQ(input_side_px({.name = "xception"}, 0), 299);
  EXPECT_EQ(input_side_px({.name = "xception"}, 128), 128);
  EXPECT_THROW(input_side_px({.name = "vit_b_16"}, 128), ConfigError);
  EXPECT_THROW(make_model({.name = "custom_cnn", .channels = 2}), ConfigError);
  const auto grey = make_model({.name = "compact_resnet"});
  EXPECT_EQ(state_dict(*grey).at("stem.0.weight").size(1), 1);
  const auto colour = make_model({.name = "compact_resnet", .channels = 3});
  EXPECT_EQ(state_dict(*colour).at("stem.0.weight").size(1), 3);
  EXPECT_EQ(colour->forward(torch::randn({2, 1, 64, 64})).size(1), 5);
}

TEST(Heads, HaveTheLayersTheyAreNamedFor) {
  const auto head_shapes = [](const ModelConfig& config) {
    const auto model = make_model(config);
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const auto& [name, tensor] : state_dict(*model)) {
      if (name.starts_with(model->head_prefix()) && tensor.dim() == 2) shapes[name] = tensor.sizes().vec();
    }
    return shapes;
  };
  using Shapes = std::map<std::string, std::vector<std::int64_t>>;
  const std::string name = "resnet_18";
  EXPECT_EQ(head_shapes({.name = name}), (Shapes{{"fc.weight", {5, 512}}}));
  EXPECT_EQ(head_shapes({.name = name, .head = HeadChoice::kDropoutLinear}), (Shapes{{"fc.weight", {5, 512}}}));
  EXPECT_EQ(head_shapes({.name = name, .head = HeadChoice::kOrdinal}), (Shapes{{"fc.weight", {4, 512}}}));
  EXPECT_EQ(head_shapes({.name = name, .head = HeadChoice::kHidden512}),
            (Shapes{{"fc.0.weight", {512, 512}}, {"fc.3.weight", {5, 512}}}));
  EXPECT_EQ(head_shapes({.name = "mobilenet_v2", .head = HeadChoice::kLinear}),
            (Shapes{{"classifier.1.weight", {5, 1280}}}));
}

// Dropout acts where the head has it, and there alone.
TEST(Heads, DropInTrainingWhereTheySay) {
  for (const auto& [head, drops] : std::vector<std::pair<HeadChoice, bool>>{{HeadChoice::kNative, false},
                                                                            {HeadChoice::kLinear, false},
                                                                            {HeadChoice::kDropoutLinear, true},
                                                                            {HeadChoice::kOrdinal, true},
                                                                            {HeadChoice::kHidden512, true}}) {
    const auto model = make_model({.name = "resnet_18", .dropout = 0.5, .head = head});
    const torch::Tensor features = torch::rand({2, 512});
    EXPECT_NE(torch::equal(model->classify(features), model->classify(features)), drops) << static_cast<int>(head);
    model->eval();
    EXPECT_TRUE(torch::equal(model->classify(features), model->classify(features)));
  }
}

TEST(CompactResNet, StaysSmall) {
  const auto model = make_model({.name = "compact_resnet"});
  EXPECT_LE(parameter_count(*model) * 4, 10'000'000);
  EXPECT_EQ(model->feature_blocks().size(), 9U);
}

TEST(Registry, TheSeedGivesTheWeights) {
  torch::manual_seed(4);
  const auto first = make_model({.name = "custom_cnn"});
  torch::manual_seed(4);
  const auto second = make_model({.name = "custom_cnn"});
  torch::manual_seed(5);
  const auto third = make_model({.name = "custom_cnn"});
  const std::string name = "classifier.0.weight";
  EXPECT_TRUE(torch::equal(state_dict(*first).at(name), state_dict(*second).at(name)));
  EXPECT_FALSE(torch::equal(state_dict(*first).at(name), state_dict(*third).at(name)));
}

// One gradient step in training mode; returns the names of the tensors that changed.
std::vector<std::string> changed_by_a_step(GraderModel& model, const FreezeConfig& freeze, int epoch = 0) {
  set_formula_weights(model);  // fresh weights let the signal die out in evaluation mode
  FrozenLayers frozen(model, freeze);
  frozen.begin_epoch(model, epoch);
  StateDict before;
  for (const auto& [name, tensor] : state_dict(model)) before[name] = tensor.clone();
  frozen.set_training_mode(model);
  model.forward(torch::randn({4, 1, 64, 64})).square().sum().backward();
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : model.parameters()) {
    if (parameter.grad().defined()) parameter.sub_(0.1 * parameter.grad());
  }
  std::vector<std::string> changed;
  for (const auto& [name, tensor] : state_dict(model)) {
    if (!torch::equal(before.at(name), tensor)) changed.push_back(name);
  }
  return changed;
}

TEST(Freeze, HeadOnlyMovesTheHeadAlone) {
  const auto model = make_mobilenet_v2({});
  const auto changed = changed_by_a_step(*model, {.policy = FreezePolicy::kHeadOnly});
  EXPECT_EQ(changed, (std::vector<std::string>{"classifier.1.bias", "classifier.1.weight"}));
}

TEST(Freeze, LastFiveBlocksMoveWithTheirRunningStatistics) {
  const auto model = make_mobilenet_v2({});
  const auto changed = changed_by_a_step(*model, {.policy = FreezePolicy::kLastBlocks, .blocks = 5});
  bool statistics = false;
  for (const std::string& name : changed) {
    const bool learns = name.starts_with("classifier.") || name.starts_with("features.14.") ||
                        name.starts_with("features.15.") || name.starts_with("features.16.") ||
                        name.starts_with("features.17.") || name.starts_with("features.18.");
    EXPECT_TRUE(learns) << name;
    statistics = statistics || name == "features.14.conv.0.1.running_mean";
  }
  EXPECT_TRUE(statistics);
  EXPECT_GT(changed.size(), 60U);
}

TEST(Freeze, NoneMovesEveryTensor) {
  const auto model = make_mobilenet_v2({});
  const std::size_t all = state_dict(*model).size();
  EXPECT_EQ(changed_by_a_step(*model, {}).size(), all);
}

TEST(Freeze, MoreThanThereIsIsAConfigError) {
  const auto model = make_mobilenet_v2({});
  EXPECT_THROW(FrozenLayers(*model, {.policy = FreezePolicy::kLastBlocks, .blocks = 20}), ConfigError);
  EXPECT_THROW(FrozenLayers(*model, {.policy = FreezePolicy::kLastLayers, .layers = 105}), ConfigError);
  EXPECT_THROW(FrozenLayers(*model, {.policy = FreezePolicy::kByName, .learn = {"features.1", "features.99"}}),
               ConfigError);
}

TEST(Freeze, LastLayersAreCountedFromTheHead) {
  const auto model = make_mobilenet_v2({});
  EXPECT_EQ(
      changed_by_a_step(*model, {.policy = FreezePolicy::kLastLayers, .layers = 3}),
      (std::vector<std::string>{"classifier.1.bias", "classifier.1.weight", "features.17.conv.3.bias",
                                "features.17.conv.3.num_batches_tracked", "features.17.conv.3.running_mean",
                                "features.17.conv.3.running_var", "features.17.conv.3.weight", "features.18.0.weight",
                                "features.18.1.bias", "features.18.1.num_batches_tracked", "features.18.1.running_mean",
                                "features.18.1.running_var", "features.18.1.weight"}));
}

TEST(Freeze, ByNameTakesWholeNamesOnly) {
  const auto model = make_mobilenet_v2({});
  const auto changed =
      changed_by_a_step(*model, {.policy = FreezePolicy::kByName, .learn = {"features.18.0"}, .batch_norm = true});
  EXPECT_EQ(changed, (std::vector<std::string>{"classifier.1.bias", "classifier.1.weight", "features.18.0.weight"}));
}

TEST(Freeze, FrozenBatchNormKeepsWeightsAndStatistics) {
  const auto model = make_mobilenet_v2({});
  for (const std::string& name : changed_by_a_step(*model, {.batch_norm = true})) {
    EXPECT_EQ(name.find("running"), std::string::npos) << name;
    EXPECT_FALSE(name.ends_with(".1.bias") && name.starts_with("features.")) << name;
  }
}

TEST(Freeze, GradualAddsBlocksWithTheEpochs) {
  const FreezeConfig gradual{.policy = FreezePolicy::kGradual, .blocks = 1, .every_epochs = 2};
  const auto first_changed = [&](int epoch) {
    const auto model = make_mobilenet_v2({});
    std::set<std::string> blocks;
    for (const std::string& name : changed_by_a_step(*model, gradual, epoch)) {
      blocks.insert(name.substr(0, name.find('.', name.find('.') + 1)));
    }
    return blocks;
  };
  EXPECT_EQ(first_changed(1), (std::set<std::string>{"classifier.1"}));
  EXPECT_EQ(first_changed(2), (std::set<std::string>{"classifier.1", "features.18"}));
  EXPECT_EQ(first_changed(5), (std::set<std::string>{"classifier.1", "features.17", "features.18"}));
  EXPECT_EQ(first_changed(1000).size(), 20U);
}

TEST(Freeze, KnowsTheBlocksThatStayFixed) {
  const auto model = make_mobilenet_v2({});
  const auto fixed = [&](const FreezeConfig& config) { return FrozenLayers(*model, config).fixed_blocks(); };
  EXPECT_EQ(fixed({}), 0U);
  EXPECT_EQ(fixed({.policy = FreezePolicy::kHeadOnly}), 19U);
  EXPECT_EQ(fixed({.policy = FreezePolicy::kLastBlocks, .blocks = 5}), 14U);
  EXPECT_EQ(fixed({.policy = FreezePolicy::kLastLayers, .layers = 3}), 17U);
  EXPECT_EQ(fixed({.policy = FreezePolicy::kGradual}), 0U);
}

// A branch that is dropped is dropped whole, the others are scaled up; a frozen network drops none.
TEST(EfficientNet, DropsBranchesInTrainingOnly) {
  torch::manual_seed(1);
  const auto model = make_model({.name = "efficientnet_b0", .dropout = 0.2});
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randn({2, 3, 32, 32});
  const auto maps = [&] { return model->run_blocks(model->prepare(pixels), 0, model->feature_blocks().size()); };
  model->eval();
  EXPECT_TRUE(torch::equal(maps(), maps()));
  FrozenLayers frozen(*model, {.policy = FreezePolicy::kHeadOnly});
  frozen.set_training_mode(*model);
  EXPECT_TRUE(torch::equal(maps(), maps()));
  model->train();
  EXPECT_FALSE(torch::equal(maps(), maps()));
}

}  // namespace
}  // namespace genu::train
