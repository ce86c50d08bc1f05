#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numeric>

#include "core/errors.h"
#include "train/explain/grad_cam.h"
#include "train/explain/overlay.h"
#include "train/explain/region_table.h"
#include "train/explain/regions.h"
#include "train/losses/ordinal.h"
#include "train/models/layout.h"
#include "train/models/registry.h"

namespace genu::train {
namespace {

torch::Tensor grades(std::vector<std::int64_t> values) { return torch::tensor(values, torch::kInt64); }

// One 3 x 3 convolution, ReLU, mean over the map, one linear layer: here Grad-CAM is CAM (Zhou et al., CVPR 2016) over
// the number of pixels.
std::shared_ptr<GraderModel> one_convolution() {
  torch::manual_seed(3);
  auto model = std::make_shared<GraderModel>(InputSpec{1, 12, InputSpec::Sides::kAny});
  const auto conv = model->register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 4, 3).padding(1)));
  model->add_block({"conv", {conv}, [conv](const torch::Tensor& x) { return conv->forward(x).relu_(); }});
  model->set_pool(average_pool);
  model->add_head({.path = "fc", .feature_count = 4, .native_hidden = {}, .weight_sd = 1.0}, {});
  model->eval();
  return model;
}

TEST(GradCam, OfOneConvolutionIsTheAnalyticMap) {
  const auto model = one_convolution();
  const torch::Tensor pixels = torch::randn({3, 1, 12, 10});
  const torch::Tensor cams = grad_cam(*model, pixels, 1, {.grades = grades({0, 4, 2})});
  ASSERT_EQ(cams.sizes(), (std::vector<std::int64_t>{3, 12, 10}));
  const torch::NoGradGuard no_grad;
  const torch::Tensor maps = model->run_blocks(model->prepare(pixels), 0, 1);
  torch::Tensor weights;
  for (const auto& item : model->named_parameters()) {
    if (item.key() == "fc.weight") weights = item.value();
  }
  const std::int64_t explained[] = {0, 4, 2};
  for (std::int64_t i = 0; i < 3; ++i) {
    const torch::Tensor expected =
        (weights[explained[i]].reshape({4, 1, 1}) * maps[i]).sum(0).relu() / static_cast<double>(12 * 10);
    EXPECT_TRUE(torch::allclose(cams[i], expected, 1e-5, 1e-7));
    EXPECT_GT(cams[i].max().item<float>(), 0);
  }
}

// Pixels that count differently: a linear layer over all of them. The channel's weight is the mean of theirs.
TEST(GradCam, WeighsAChannelByTheMeanGradient) {
  torch::manual_seed(5);
  auto model = std::make_shared<GraderModel>(InputSpec{1, 4, InputSpec::Sides::kFixed});
  model->add_block({"pixels", {}, [](const torch::Tensor& x) { return torch::cat({x, x.square()}, 1); }});
  model->set_pool([](const torch::Tensor& maps) { return maps.contiguous().flatten(1); });
  model->add_head({.path = "fc", .feature_count = 32, .native_hidden = {}, .weight_sd = 1.0}, {});
  model->eval();
  const torch::Tensor pixels = torch::rand({1, 1, 4, 4});
  torch::Tensor weights;
  for (const auto& item : model->named_parameters()) {
    if (item.key() == "fc.weight") weights = item.value();
  }
  for (std::int64_t grade = 0; grade < 5; ++grade) {
    const torch::Tensor cam = grad_cam(*model, pixels, 1, {.grades = grades({grade})});
    const torch::NoGradGuard no_grad;
    const torch::Tensor mean = weights[grade].reshape({2, 16}).mean(1);
    const torch::Tensor expected = (mean[0] * pixels[0][0] + mean[1] * pixels[0][0].square()).relu();
    EXPECT_TRUE(torch::allclose(cam[0], expected, 1e-5, 1e-7));
  }
}

// An ordinal head's expected grade E = sum k p_k: its gradient by the maps, taken by differences.
TEST(GradCam, OfAnOrdinalHeadIsTheGradientOfTheExpectedGrade) {
  torch::manual_seed(9);
  for (const Decoding decoding : {Decoding::kCorn, Decoding::kCumulative}) {
    auto model = std::make_shared<GraderModel>(InputSpec{1, 6, InputSpec::Sides::kAny});
    model->add_block({"pixels", {}, [](const torch::Tensor& x) { return torch::cat({x, x.square()}, 1); }});
    model->set_pool(average_pool);
    model->add_head({.path = "fc", .feature_count = 2, .native_hidden = {}, .weight_sd = 1.0},
                    {.outputs = 4, .head = HeadKind::kDropoutLinear, .dropout = 0.5});
    model->eval();
    const torch::Tensor pixels = torch::rand({1, 1, 6, 6});
    const torch::Tensor cam = grad_cam(*model, pixels, 1, {.decoding = decoding});
    const torch::NoGradGuard no_grad;
    const torch::Tensor maps = model->run_blocks(model->prepare(pixels), 0, 1).to(torch::kFloat64);
    model->to(torch::kFloat64);
    const auto expected_grade = [&](const torch::Tensor& at) {
      const torch::Tensor p = class_probabilities(model->classify(model->pool(at)), decoding);
      return p.matmul(torch::arange(5, torch::kFloat64)).item<double>();
    };
    torch::Tensor expected = torch::zeros({6, 6}, torch::kFloat64);
    for (std::int64_t c = 0; c < 2; ++c) {
      torch::Tensor higher = maps.clone(), lower = maps.clone();
      higher.select(1, c) += 1e-4;  // every pixel of the channel: the sum of its gradients
      lower.select(1, c) -= 1e-4;
      const double weight = (expected_grade(higher) - expected_grade(lower)) / 2e-4 / 36.0;
      expected += weight * maps[0][c];
    }
    EXPECT_TRUE(torch::allclose(cam[0].to(torch::kFloat64), expected.relu(), 1e-4, 1e-7));
  }
}

TEST(GradCam, BatchingChangesNothing) {
  const auto model = make_model({.name = "compact_resnet"});
  model->eval();
  const torch::Tensor pixels = torch::randn({3, 1, 64, 64});
  const std::size_t depth = cam_depth(*model, "");
  const torch::Tensor together = grad_cam(*model, pixels, depth, {.grades = grades({1, 2, 3})});
  for (std::int64_t i = 0; i < 3; ++i) {
    const torch::Tensor alone = grad_cam(*model, pixels.narrow(0, i, 1), depth, {.grades = grades({i + 1})});
    EXPECT_TRUE(torch::allclose(together[i], alone[0], 1e-3, 1e-6));
  }
}

// Every network, every head; the map is as large as the last block's output, and no gradient is left behind.
class EveryNetwork : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryNetwork, GivesAFiniteMapForAnyHead) {
  const bool convolutional = GetParam() != "vit_b_16";
  for (const HeadChoice head : {HeadChoice::kNative, HeadChoice::kHidden512, HeadChoice::kOrdinal}) {
    torch::manual_seed(1);
    const ModelConfig config{.name = GetParam(), .dropout = 0.2, .head = head};
    const auto model = make_model(config);
    use_channels_last(*model);
    model->eval();
    const InputSpec spec = input_spec(config);
    const int side = spec.sides == InputSpec::Sides::kFixed ? spec.size_px : 64;
    const torch::Tensor pixels = torch::randn({2, 1, side, side});
    const bool ordinal = head == HeadChoice::kOrdinal;
    CamTarget target{.decoding = ordinal ? Decoding::kCorn : Decoding::kSoftmax};
    if (!ordinal) target.grades = grades({0, 3});
    const std::size_t depth = cam_depth(*model, "");
    if (!convolutional) {
      EXPECT_THROW(grad_cam(*model, pixels, depth, target), UsageError);
      break;
    }
    const torch::Tensor cams = grad_cam(*model, pixels, depth, target);
    torch::Tensor maps;
    {
      const torch::NoGradGuard no_grad;
      maps = model->run_blocks(model->prepare(pixels), 0, depth);
    }
    EXPECT_EQ(cams.sizes(), (std::vector<std::int64_t>{2, maps.size(2), maps.size(3)}));
    EXPECT_TRUE(cams.isfinite().all().item<bool>());
    EXPECT_GE(cams.min().item<float>(), 0);
    for (const torch::Tensor& parameter : model->parameters()) EXPECT_FALSE(parameter.grad().defined());
    // A block in the middle too: the gradient runs back through the blocks behind it.
    const torch::Tensor finer = grad_cam(*model, pixels, depth / 2, target);
    EXPECT_TRUE(finer.isfinite().all().item<bool>());
    EXPECT_GE(finer.size(1), cams.size(1));
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, EveryNetwork, ::testing::ValuesIn(model_names()),
                         [](const auto& row) { return row.param; });

TEST(GradCam, RefusesWhatItCannotExplain) {
  const auto model = one_convolution();
  EXPECT_EQ(cam_depth(*model, ""), 1U);
  EXPECT_EQ(cam_depth(*model, "conv"), 1U);
  try {
    cam_depth(*model, "layer9");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "--block: the network has no 'layer9'; it has conv");
  }
  const auto transformer = make_model({.name = "vit_b_16"});
  transformer->eval();
  try {
    grad_cam(*transformer, torch::zeros({1, 1, 224, 224}), cam_depth(*transformer, ""), {.grades = grades({0})});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("no convolutional one"), std::string::npos) << error.what();
  }
}

// A network that sees one rectangle of the picture only: all of its map's energy lies there.
TEST(Regions, ANetworkThatLooksAtOneRegionScoresOneThere) {
  torch::manual_seed(2);
  torch::Tensor window = torch::zeros({16, 16});
  window.slice(0, 4, 9).slice(1, 2, 14).fill_(1);
  auto model = std::make_shared<GraderModel>(InputSpec{1, 16, InputSpec::Sides::kAny});
  model->add_block({"window", {}, [window](const torch::Tensor& x) { return x * window; }});
  model->set_pool(average_pool);
  model->add_head({.path = "fc", .feature_count = 1, .native_hidden = {}, .weight_sd = 1.0}, {});
  model->eval();
  torch::Tensor weight;
  for (const auto& item : model->named_parameters()) {
    if (item.key() == "fc.weight") weight = item.value();
  }
  const std::int64_t favoured = weight.argmax().item<std::int64_t>();
  ASSERT_GT(weight[favoured].item<float>(), 0);
  const torch::Tensor cam =
      grad_cam(*model, torch::rand({1, 1, 16, 16}) + 0.1, 1, {.grades = grades({favoured})}).contiguous();
  std::vector<std::uint8_t> labels(256, 2);
  for (int y = 4; y < 9; ++y) {
    for (int x = 2; x < 14; ++x) labels[static_cast<std::size_t>(16 * y + x)] = 6;
  }
  const RegionShares shares = region_shares({cam.const_data_ptr<float>(), 256}, labels);
  EXPECT_NEAR(shares.energy[static_cast<std::size_t>(Region::kJointSpace)], 1.0, 1e-6);
  EXPECT_NEAR(shares.area[static_cast<std::size_t>(Region::kJointSpace)], 60.0 / 256.0, 1e-12);
  const Region joint[] = {Region::kJointSpace};
  EXPECT_NEAR(*shares.ratio(joint), 256.0 / 60.0, 1e-6);
}

TEST(Regions, SharesSumToOneAndEveryLabelHasARegion) {
  std::vector<float> map;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 110; ++i) {
    map.push_back(static_cast<float>(i % 7));
    labels.push_back(static_cast<std::uint8_t>(i % 11));
  }
  const RegionShares shares = region_shares(map, labels);
  EXPECT_NEAR(std::accumulate(shares.energy.begin(), shares.energy.end(), 0.0), 1.0, 1e-12);
  EXPECT_NEAR(std::accumulate(shares.area.begin(), shares.area.end(), 0.0), 1.0, 1e-12);
  // 11 labels, 10 pixels each: femur, tibia, fibula, patella; air, soft tissue, hardware.
  EXPECT_NEAR(shares.area[static_cast<std::size_t>(Region::kBone)], 4.0 / 11.0, 1e-12);
  EXPECT_NEAR(shares.area[static_cast<std::size_t>(Region::kBackground)], 3.0 / 11.0, 1e-12);
  EXPECT_EQ(shares.total_energy, std::accumulate(map.begin(), map.end(), 0.0));
}

TEST(Regions, AnEmptyMapHasNoRatioAndANanIsAFault) {
  const std::vector<std::uint8_t> labels(4, 6);
  const RegionShares shares = region_shares(std::vector<float>(4, 0.0F), labels);
  const Region joint[] = {Region::kJointSpace};
  EXPECT_FALSE(shares.ratio(joint).has_value());
  EXPECT_EQ(shares.energy[0], 0);
  EXPECT_THROW(region_shares(std::vector<float>(4, std::nanf("")), labels), DataError);
  EXPECT_THROW(region_shares(std::vector<float>(3, 0.0F), labels), InternalError);
}

TEST(RegionTable, MeansLeaveEmptyMapsOut) {
  RegionTable table;
  const std::vector<std::uint8_t> labels = {6, 6, 7, 2};
  table.add(3, region_shares(std::vector<float>{1, 1, 2, 0}, labels));
  table.add(3, region_shares(std::vector<float>{0, 0, 1, 3}, labels));
  table.add(3, region_shares(std::vector<float>{0, 0, 0, 0}, labels));
  const auto json = table.json();
  EXPECT_EQ(json["3"]["samples"], 3);
  EXPECT_EQ(json["3"]["empty"], 1);
  EXPECT_DOUBLE_EQ(json["3"]["joint_space"]["energy_share"].get<double>(), 0.25);
  EXPECT_DOUBLE_EQ(json["3"]["joint_space"]["ratio"].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(json["3"]["lesions"]["energy_share"].get<double>(), 0.375);
  EXPECT_TRUE(json["3"]["cyst"]["ratio"].is_null());
  EXPECT_EQ(json["all"], json["3"]);
  EXPECT_EQ(json["0"]["samples"], 0);
  EXPECT_NE(table.csv().find("3,3,1,joint_space,0.250000,0.500000,0.5000\n"), std::string::npos) << table.csv();
  EXPECT_EQ(RegionTable::columns().size(), RegionTable::cells(region_shares(std::vector<float>(4, 1), labels)).size());
}

TEST(Overlay, LeavesThePictureGreyWhereNothingIsAndColoursTheLargest) {
  const std::vector<std::uint8_t> grey = {10, 200, 90, 90};
  const PngImage out = overlay({grey.data(), 2, 2}, std::vector<float>{0, 0, 0, 5});
  EXPECT_EQ(out.channels, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(out.bytes[3 * i + c], grey[i]);
  }
  EXPECT_GT(out.bytes[9], 180);            // red
  EXPECT_GT(out.bytes[9], out.bytes[11]);  // more than blue
  const PngImage empty = overlay({grey.data(), 2, 2}, std::vector<float>(4, 0));
  EXPECT_EQ(empty.bytes[9], 90);
  const PngImage sheet = tile({{out, empty}, {out}});
  EXPECT_EQ(sheet.width_px, 6);
  EXPECT_EQ(sheet.height_px, 6);
  EXPECT_EQ(sheet.bytes[3 * 5], 200);
}

}  // namespace
}  // namespace genu::train
