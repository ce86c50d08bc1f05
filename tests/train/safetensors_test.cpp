#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>

#include "core/errors.h"
#include "core/files.h"
#include "tests/temporary_folder.h"
#include "train/models/custom_cnn.h"
#include "train/models/mobilenet_v2.h"
#include "train/weights/state_dict.h"

namespace genu::train {
namespace {

// A file with this header text and `data_bytes` zeros.
std::vector<std::uint8_t> file_of(const std::string& header, std::size_t data_bytes) {
  std::vector<std::uint8_t> bytes(8 + header.size() + data_bytes, 0);
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(header.size() >> (8 * i));
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string fault_of(std::vector<std::uint8_t> bytes) {
  try {
    Safetensors::parse(std::move(bytes), "w.safetensors");
  } catch (const DataError& error) {
    return error.what();
  }
  return "none";
}

TEST(Safetensors, RoundTripKeepsEveryElementType) {
  const TemporaryFolder folder;
  const StateDict tensors = {{"a.f32", torch::randn({2, 3})},
                             {"b.f64", torch::randn({4}, torch::kFloat64)},
                             {"c.bf16", torch::randn({3, 1, 2}).to(torch::kBFloat16)},
                             {"d.f16", torch::randn({5}).to(torch::kFloat16)},
                             {"e.i64", torch::tensor({1L, -2L, 1L << 40})},
                             {"f.u8", torch::tensor({0, 255}, torch::kUInt8)},
                             {"g.bool", torch::tensor({true, false, true})},
                             {"h.scalar", torch::tensor(7L)},
                             {"i.empty", torch::empty({0, 4})}};
  write_safetensors(folder.path() / "w.safetensors", tensors, {{"format", "pt"}, {"note", "quote \" and \n line"}});
  const Safetensors file = Safetensors::read(folder.path() / "w.safetensors");
  EXPECT_EQ(file.metadata_value("note"), "quote \" and \n line");
  const StateDict back = to_state_dict(file);
  ASSERT_EQ(back.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(back.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(back.at(name), tensor)) << name;
  }
}

TEST(Safetensors, WritesChannelsLastTensorsRowByRow) {
  const TemporaryFolder folder;
  const torch::Tensor tensor = torch::randn({2, 3, 4, 5});
  write_safetensors(folder.path() / "w", {{"x", tensor.contiguous(at::MemoryFormat::ChannelsLast)}}, {});
  EXPECT_TRUE(torch::equal(read_weights(folder.path() / "w").at("x"), tensor));
}

TEST(Safetensors, EqualTensorsGiveEqualFiles) {
  const TemporaryFolder folder;
  const StateDict tensors = {{"x", torch::arange(6)}, {"a", torch::ones({2})}};
  write_safetensors(folder.path() / "1", tensors, {{"k", "v"}});
  write_safetensors(folder.path() / "2", tensors, {{"k", "v"}});
  EXPECT_EQ(read_file(folder.path() / "1"), read_file(folder.path() / "2"));
}

TEST(Safetensors, NamesEachFault) {
  const std::string good = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(fault_of(file_of(good, 8)), "none");
  const auto expect = [](const std::vector<std::uint8_t>& bytes, const std::string& part) {
    const std::string fault = fault_of(bytes);
    EXPECT_TRUE(fault.starts_with("w.safetensors: ")) << fault;
    EXPECT_NE(fault.find(part), std::string::npos) << fault;
  };
  expect({}, "not a safetensors file");
  expect(file_of(good, 7), "x: bytes 0 to 8 lie outside");
  expect(file_of(good, 9), "1 bytes after the last tensor");
  expect(file_of(R"({"x":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8), "\"F33\" is not known");
  expect(file_of(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8), "do not fit shape [3]");
  expect(file_of(R"({"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), "shape is not");
  expect(file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), "lie outside");
  expect(file_of(R"({"x":{"dtype":"F32","shape":[2]}})", 8), "must hold dtype");
  expect(file_of(R"({"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0), "do not fit");
  expect(
      file_of(
          R"({"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"y":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
          8),
      "y: overlaps");
  expect(
      file_of(
          R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})",
          8),
      "y: 2 unused bytes");
  expect(
      file_of(
          R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"x":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
          8),
      "x: named twice");
  expect(file_of("[1, 2]", 0), "not a JSON object");
  expect(file_of("{\"x\":", 0), "not JSON");
  std::vector<std::uint8_t> absurd = file_of(good, 8);
  absurd[7] = 0x7F;
  expect(absurd, "absurd");
  std::vector<std::uint8_t> longer = file_of(good, 8);
  longer[1] = 1;
  expect(longer, "truncated");
}

// A damaged file is named or, where the damage hits numbers only, read: never a crash.
TEST(Safetensors, SurvivesEveryTruncationAndByteFlip) {
  const TemporaryFolder folder;
  write_safetensors(folder.path() / "w", {{"x", torch::arange(3)}, {"y", torch::ones({2, 2})}}, {{"k", "v"}});
  const std::vector<std::uint8_t> whole = read_file(folder.path() / "w");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(fault_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}), "none") << length;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int mask : {0x01, 0x20, 0x80}) {
      auto damaged = whole;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ mask);
      fault_of(std::move(damaged));
    }
  }
}

TEST(StateDict, ListsMissingUnexpectedAndWrongShapes) {
  const auto model = make_custom_cnn({});
  StateDict tensors = state_dict(*model);
  tensors.erase("features.0.conv.bias");
  tensors["surplus"] = torch::zeros({1});
  tensors["classifier.0.bias"] = torch::zeros({7});
  const LoadReport report = load_state(*model, tensors, {});
  EXPECT_EQ(report.missing, std::vector<std::string>{"features.0.conv.bias"});
  EXPECT_EQ(report.unexpected, std::vector<std::string>{"surplus"});
  ASSERT_EQ(report.wrong_shape.size(), 1U);
  EXPECT_EQ(report.wrong_shape[0].in_file, std::vector<std::int64_t>{7});
  EXPECT_EQ(report.wrong_shape[0].in_model, std::vector<std::int64_t>{256});
  try {
    load_state_or_throw(*model, tensors, {}, "w.safetensors");
    FAIL();
  } catch (const DataError& error) {
    const std::string text = error.what();
    EXPECT_TRUE(text.starts_with("w.safetensors: weights do not fit the model: ")) << text;
    EXPECT_NE(text.find("classifier.0.bias has shape [7], the model needs [256]"), std::string::npos) << text;
    EXPECT_NE(text.find("1 missing: features.0.conv.bias"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(StateDict, AFileThatDoesNotFitChangesNothing) {
  const auto model = make_custom_cnn({});
  const torch::Tensor before = state_dict(*model).at("classifier.0.weight").clone();
  StateDict tensors = state_dict(*make_custom_cnn({}));
  tensors.erase("classifier.3.bias");
  EXPECT_FALSE(load_state(*model, tensors, {}).matches());
  EXPECT_TRUE(torch::equal(state_dict(*model).at("classifier.0.weight"), before));
}

TEST(StateDict, HeadIsSwappedOnRequestOnly) {
  const auto thousand = make_mobilenet_v2({.outputs = 1000});
  const auto five = make_mobilenet_v2({});
  const torch::Tensor head = state_dict(*five).at("classifier.1.weight").clone();
  EXPECT_FALSE(load_state(*five, state_dict(*thousand), {}).matches());
  const LoadReport report =
      load_state(*five, state_dict(*thousand), {.head = HeadPolicy::kSwap, .head_prefix = "classifier."});
  EXPECT_TRUE(report.matches());
  EXPECT_EQ(report.left_fresh, (std::vector<std::string>{"classifier.1.bias", "classifier.1.weight"}));
  EXPECT_TRUE(torch::equal(state_dict(*five).at("classifier.1.weight"), head));
  EXPECT_TRUE(
      torch::equal(state_dict(*five).at("features.0.0.weight"), state_dict(*thousand).at("features.0.0.weight")));
}

TEST(StateDict, WhatIsNoWeightsFileIsRefusedInOneLine) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path() / "w.pth", std::string_view("PK\x03\x04rest"));
  EXPECT_THROW(read_weights(folder.path() / "w.pth"), DataError);
  EXPECT_THROW(read_weights(folder.path() / "absent"), IoError);
}

}  // namespace
}  // namespace genu::train
