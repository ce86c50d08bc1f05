#include "train/loop/event_file.h"

#include <gtest/gtest.h>

#include "core/errors.h"
#include "core/files.h"
#include "core/hash.h"
#include "tests/temporary_folder.h"

namespace genu::train {
namespace {

std::string hex(const std::string& bytes) {
  static const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

// The first record of every event file that TensorFlow writes, with wall time 0: length 24, its masked checksum,
// Event { wall_time: 0 file_version: "brain.Event:2" }, its masked checksum. The length's checksum is the well-known
// "a37f4b22" of such files.
TEST(EventFile, FramesRecordsAsTensorFlowDoes) {
  std::string message("\x09\0\0\0\0\0\0\0\0", 9);
  message.append("\x1a\x0d").append("brain.Event:2");
  const std::string record = frame_record(message);
  EXPECT_EQ(hex(record.substr(0, 12)), "1800000000000000a37f4b22");
  EXPECT_EQ(record.size(), 8U + 4U + 24U + 4U);
}

// Event { wall_time: 1.5 step: 300 summary { value { tag: "a/b" simple_value: -2 } } }, by hand.
TEST(EventFile, EncodesScalarsAsProtocolBuffers) {
  EXPECT_EQ(hex(scalar_event(1.5, 300, {"a/b", -2.0})),
            "09000000000000f83f"            // field 1, fixed64: 1.5
            "10ac02"                        // field 2, varint: 300
            "2a0c0a0a0a03612f6215000000c0"  // field 5 { field 1 { field 1 "a/b", field 2 fixed32 -2 } }
  );
}

std::uint64_t number(const std::string& bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

// Every record is whole with both checksums right.
std::vector<std::string> read_records(const std::string& bytes) {
  const auto masked = [](const std::string& part) {
    const std::uint32_t crc = crc32c(std::as_bytes(std::span(part)));
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
  };
  std::vector<std::string> records;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = number(bytes, at, 8);
    EXPECT_EQ(number(bytes, at + 8, 4), masked(bytes.substr(at, 8)));
    records.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(number(bytes, at + 12 + length, 4), masked(records.back()));
    at += 16 + length;
  }
  return records;
}

TEST(EventFile, IsThereWhileItIsWritten) {
  const TemporaryFolder folder;
  EventFile events(folder.path(), 7);
  events.add(8, {"train/loss", 0.25});
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) files.push_back(entry.path().string());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_NE(files[0].find("events.out.tfevents."), std::string::npos);
  const auto records = read_records(read_text_file(files[0]));
  ASSERT_EQ(records.size(), 3U);  // version, session start, scalar
  EXPECT_NE(records[0].find("brain.Event:2"), std::string::npos);
  EXPECT_TRUE(hex(records[1]).ends_with("10083a020801")) << hex(records[1]);  // step 8, session_log { status: START }
  EXPECT_NE(records[2].find("train/loss"), std::string::npos);
}

TEST(EventFile, AFolderThatIsNotThereIsAnIoError) { EXPECT_THROW(EventFile("/nonexistent", 0), IoError); }

}  // namespace
}  // namespace genu::train
