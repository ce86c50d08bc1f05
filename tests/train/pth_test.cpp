#include "train/weights/pth.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/errors.h"
#include "core/files.h"
#include "tests/temporary_folder.h"
#include "train/models/grader_model.h"
#include "train/models/registry.h"
#include "train/weights/pickle.h"

namespace genu::train {
namespace {

std::filesystem::path fixture_path(const std::string& name) {
  return std::filesystem::path(GENU_SOURCE_DIR "/tests/train/fixtures/pth") / name;
}
StateDict read_fixture(const std::string& name) { return read_weights(fixture_path(name)); }

// ramp() of tests/train/fixtures/make_pth_fixtures.py.
torch::Tensor ramp(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return (torch::arange(count, torch::kFloat32) - 3).reshape(shape) / 8;
}

void expect_plain(const StateDict& tensors) {
  ASSERT_EQ(tensors.size(), 3U);
  EXPECT_TRUE(torch::equal(tensors.at("a.weight"), ramp({2, 3})));
  EXPECT_TRUE(torch::equal(tensors.at("b"), torch::tensor(7L)));
  EXPECT_TRUE(torch::equal(tensors.at("c"), torch::tensor({true, false})));
}

std::string fault_of(const std::string& name) {
  try {
    read_fixture(name);
  } catch (const DataError& error) {
    return error.what();
  }
  return "none";
}

TEST(Pth, ReadsEveryWayOfSavingWeights) {
  for (const char* name : {"plain.pth", "module_prefix.pth", "checkpoint.pth", "protocol4.pth"}) {
    SCOPED_TRACE(name);
    expect_plain(read_fixture(name));
  }
  const StateDict parameters = read_fixture("parameters.pth");
  ASSERT_EQ(parameters.size(), 2U);
  EXPECT_TRUE(torch::equal(parameters.at("y"), ramp({2, 2})));
}

TEST(Pth, ReadsAnOrderedDictWithItsMetadata) {
  const StateDict tensors = read_fixture("ordered.pth");
  ASSERT_EQ(tensors.size(), 7U);
  EXPECT_TRUE(torch::equal(tensors.at("0.weight"), ramp({3, 2})));
  EXPECT_TRUE(torch::equal(tensors.at("1.running_var"), ramp({3})));
  EXPECT_EQ(tensors.at("1.num_batches_tracked").scalar_type(), torch::kInt64);
}

TEST(Pth, ReadsEveryElementType) {
  const StateDict tensors = read_fixture("types.pth");
  const std::map<std::string, torch::ScalarType> types = {
      {"f64", torch::kFloat64}, {"f32", torch::kFloat32}, {"f16", torch::kFloat16}, {"bf16", torch::kBFloat16},
      {"i64", torch::kInt64},   {"i32", torch::kInt32},   {"i16", torch::kInt16},   {"i8", torch::kInt8}};
  ASSERT_EQ(tensors.size(), types.size());
  for (const auto& [name, type] : types) {
    EXPECT_EQ(tensors.at(name).scalar_type(), type) << name;
    EXPECT_TRUE(torch::equal(tensors.at(name), (ramp({4}) * 8).to(type))) << name;
  }
}

TEST(Pth, FollowsStridesAndSharedStorages) {
  const StateDict tensors = read_fixture("strides.pth");
  const torch::Tensor base = ramp({4, 6});
  using torch::indexing::Slice;
  EXPECT_TRUE(torch::equal(tensors.at("whole"), base));
  EXPECT_TRUE(torch::equal(tensors.at("transposed"), base.t()));
  EXPECT_TRUE(torch::equal(tensors.at("part"), base.index({Slice(1, 3), Slice(0, 6, 2)})));
  EXPECT_TRUE(torch::equal(tensors.at("repeated"), base.index({0, Slice(0, 2)}).expand({3, 2})));
  EXPECT_TRUE(torch::equal(tensors.at("channels_last"), ramp({2, 3, 2, 2})));
  EXPECT_EQ(tensors.at("empty").sizes(), (std::vector<std::int64_t>{0, 4}));
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(tensor.is_contiguous()) << name;
}

TEST(Pth, RefusesInOneLineWhatItDoesNotRead) {
  const auto expect = [](const std::string& name, const std::string& part) {
    const std::string fault = fault_of(name);
    EXPECT_TRUE(fault.starts_with(fixture_path(name).string() + ": ")) << fault;
    EXPECT_NE(fault.find(part), std::string::npos) << fault;
    EXPECT_EQ(fault.find('\n'), std::string::npos) << fault;
  };
  expect("legacy.pth", "a .pth from before PyTorch 1.6");
  expect("stranger.pth", "the pickle asks for __main__.Stranger");
  expect("no_tensors.pth", "holds no dict of tensors");
}

// A pickle that would run a program is only ever read.
TEST(Pickle, ExecutesNothing) {
  const std::string attack = std::string("\x80\x02") + "cposix\nsystem\nU\x04true\x85R.";
  try {
    parse_pickle(std::as_bytes(std::span(attack)), "w");
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("the pickle asks for posix.system"), std::string::npos) << error.what();
  }
}

TEST(Pickle, SurvivesDeepAndCircularStructures) {
  std::string deep = "\x80\x02N";
  deep += std::string(200000, '\x85');  // tuples in tuples
  deep += '.';
  EXPECT_EQ(parse_pickle(std::as_bytes(std::span(deep)), "w").values.size(), 200001U);
  const std::string circle = std::string("\x80\x02]q") + '\0' + "h" + '\0' + "a.";
  const Pickle list = parse_pickle(std::as_bytes(std::span(circle)), "w");
  ASSERT_EQ(list.top->items.size(), 1U);
  EXPECT_EQ(list.top->items[0], list.top);
}

// A damaged file is named or, where the damage hits numbers only, read: never a crash.
TEST(Pth, SurvivesEveryTruncationAndByteFlip) {
  for (const char* name : {"strides.pth", "checkpoint.pth"}) {
    const std::vector<std::uint8_t> whole = read_file(fixture_path(name));
    const auto fault = [&](std::vector<std::uint8_t> bytes) -> std::string {
      try {
        parse_pth(std::move(bytes), "w");
      } catch (const DataError& error) {
        return error.what();
      }
      return "none";
    };
    ASSERT_EQ(fault(whole), "none");
    for (std::size_t length = 0; length < whole.size(); length += 7) {
      const std::string text = fault({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)});
      EXPECT_TRUE(text.starts_with("w: ")) << length << " " << text;
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (const int mask : {0x01, 0x80, 0xFF}) {
        auto damaged = whole;
        damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
        fault(std::move(damaged));
      }
    }
  }
}

TEST(Weights, ThreeChannelsFoldIntoOneOnRequest) {
  const auto colour = make_model({.name = "compact_resnet", .channels = 3});
  const auto grey = make_model({.name = "compact_resnet"});
  colour->eval();
  grey->eval();
  EXPECT_FALSE(load_state(*grey, state_dict(*colour), {}).matches());
  const LoadReport report = load_state(*grey, state_dict(*colour), {.channels = ChannelPolicy::kFold});
  EXPECT_TRUE(report.matches());
  EXPECT_EQ(report.folded, std::vector<std::string>{"stem.0.weight"});
  EXPECT_NE(report.text().find("folded from three channels to one: stem.0.weight"), std::string::npos);
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randn({2, 1, 64, 64});
  EXPECT_TRUE(torch::allclose(grey->forward(pixels), colour->forward(pixels), 1e-4, 1e-5));
}

// torchvision from Debian's packages loads what genu saves, strictly, and gives the same logits.
TEST(Weights, SavedFilesLoadInTorchvision) {
  if (std::system("/usr/bin/python3 -c 'import torchvision' 2> /dev/null") != 0) {
    GTEST_SKIP() << "python3-torchvision is not installed";
  }
  const TemporaryFolder folder;
  torch::manual_seed(5);
  const auto model = make_model({.name = "resnet_18"});
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::linspace(-1, 1, 3 * 32 * 32).reshape({1, 3, 32, 32});
  write_safetensors(folder.path() / "model.safetensors", state_dict(*model), {{"format", "pt"}});
  write_safetensors(folder.path() / "logits.safetensors", {{"logits", model->forward(pixels)}}, {});
  EXPECT_EQ(std::system(("/usr/bin/python3 " GENU_SOURCE_DIR "/tests/train/fixtures/load_in_torchvision.py " +
                         folder.path().string())
                            .c_str()),
            0);
}

}  // namespace
}  // namespace genu::train
