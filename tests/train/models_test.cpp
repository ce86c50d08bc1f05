#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "core/files.h"
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
void set_formula_weights(torch::nn::Module& model) {
  const torch::NoGradGuard no_grad;
  std::int64_t t = -1;
  for (auto& [name, tensor] : state_dict(model)) {
    ++t;
    if (name.ends_with("num_batches_tracked")) continue;
    const torch::Tensor i = torch::arange(tensor.numel(), torch::kInt64);
    const torch::Tensor even =
        torch::remainder(i * 2654435761L + t * 974711 + 12345, 1L << 32).to(torch::kFloat64) / 2147483648.0 - 1.0;
    torch::Tensor value;
    if (name.ends_with("running_var") || (tensor.dim() == 1 && name.ends_with("weight"))) {
      value = 1.0 + 0.25 * even;
    } else if (tensor.dim() == 1) {
      value = 0.1 * even;
    } else {
      value = even * std::sqrt(8.0 / static_cast<double>(tensor.numel() / tensor.size(0)));
    }
    torch::Tensor(tensor).copy_(value.reshape(tensor.sizes()).to(torch::kFloat32));
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

TEST(MobileNetV2, LogitsEqualTorchvisions) {
  const auto expected = fixture("mobilenet_v2_logits.json");
  const auto model = make_mobilenet_v2({});
  EXPECT_EQ(parameter_count(*model), expected["parameters"].get<std::int64_t>());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state_dict(*model)) names.push_back(name);
  EXPECT_EQ(names, expected["tensors"].get<std::vector<std::string>>());
  set_formula_weights(*model);
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor images = formula_images(expected["side"]);
  for (const bool channels_last : {false, true}) {
    if (channels_last) use_channels_last(*model);
    const torch::Tensor logits =
        model->forward(channels_last ? images.contiguous(at::MemoryFormat::ChannelsLast) : images);
    for (std::int64_t i = 0; i < 3; ++i) {
      for (std::int64_t k = 0; k < 5; ++k) {
        EXPECT_NEAR(logits[i][k].item<double>(), expected["logits"][i][k].get<double>(), kParity);
      }
    }
  }
}

TEST(MobileNetV2, ImageNetWeightsGiveTorchvisionsLogits) {
  const char* folder = std::getenv("GENU_WEIGHTS");
  const std::string path = (folder != nullptr ? std::string(folder) : GENU_SOURCE_DIR "/../shared/weights") +
                           "/mobilenet_v2_imagenet.safetensors";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here; set GENU_WEIGHTS to its folder";
  const auto expected = fixture("mobilenet_v2_imagenet_logits.json");
  const auto model = make_mobilenet_v2({.class_count = 1000});
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
  for (const std::string& name : model_names()) EXPECT_NE(make_model({.name = name}), nullptr);
  try {
    make_model({.name = "resnet_9000"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "model.name: no network 'resnet_9000'; there are custom_cnn, mobilenet_v2");
  }
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
std::vector<std::string> changed_by_a_step(GraderModel& model, const FreezeConfig& freeze) {
  set_formula_weights(model);  // fresh weights let the signal die out in evaluation mode
  const FrozenBlocks frozen(model, freeze);
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

TEST(Freeze, MoreBlocksThanThereAreIsAConfigError) {
  const auto model = make_mobilenet_v2({});
  EXPECT_THROW(FrozenBlocks(*model, {.policy = FreezePolicy::kLastBlocks, .blocks = 20}), ConfigError);
}

}  // namespace
}  // namespace genu::train
