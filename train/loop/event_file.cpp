#include "train/loop/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/errors.h"
#include "core/hash.h"

namespace genu::train {

namespace {

// Field numbers and wire types of the messages.
constexpr int kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
constexpr std::uint64_t kSessionStart = 1;

template <class T>
void append_number(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i)));
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(static_cast<std::uint8_t>(value | 0x80));
  out += static_cast<char>(static_cast<std::uint8_t>(value));
}

void append_tag(std::string& out, int field, int wire_type) {
  append_varint(out, static_cast<std::uint64_t>(field << 3 | wire_type));
}

void append_bytes(std::string& out, int field, std::string_view bytes) {
  append_tag(out, field, kBytes);
  append_varint(out, bytes.size());
  out += bytes;
}

std::string event(double wall_time_s, std::uint64_t step) {
  std::string out;
  append_tag(out, 1, kFixed64);
  append_number(out, std::bit_cast<std::uint64_t>(wall_time_s));
  append_tag(out, 2, kVarint);
  append_varint(out, step);
  return out;
}

std::uint32_t masked_crc(std::string_view bytes) {
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(bytes)));
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host_name() {
  char name[256] = "host";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

std::string frame_record(std::string_view message) {
  std::string out;
  append_number(out, static_cast<std::uint64_t>(message.size()));
  append_number(out, masked_crc(out));
  out += message;
  append_number(out, masked_crc(message));
  return out;
}

std::string scalar_event(double wall_time_s, std::uint64_t step, const Scalar& scalar) {
  std::string value;
  append_bytes(value, 1, scalar.tag);
  append_tag(value, 2, kFixed32);
  append_number(value, std::bit_cast<std::uint32_t>(static_cast<float>(scalar.value)));
  std::string summary;
  append_bytes(summary, 1, value);
  std::string out = event(wall_time_s, step);
  append_bytes(out, 5, summary);
  return out;
}

EventFile::EventFile(const std::filesystem::path& folder, std::uint64_t first_step)
    : path_(folder / fmt::format("events.out.tfevents.{:.0f}.{}.{}", now_s(), host_name(), ::getpid())) {
  file_ = std::fopen(path_.c_str(), "ab");
  if (file_ == nullptr)
    throw IoError(fmt::format("{}: {}; choose another folder", path_.string(), std::strerror(errno)));
  std::string version = event(now_s(), 0);
  append_bytes(version, 3, "brain.Event:2");
  write(version);
  if (first_step == 0) return;
  std::string session;
  append_tag(session, 1, kVarint);
  append_varint(session, kSessionStart);
  std::string start = event(now_s(), first_step + 1);
  append_bytes(start, 7, session);
  write(start);
}

EventFile::~EventFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void EventFile::add(std::uint64_t step, const Scalar& scalar) { write(scalar_event(now_s(), step, scalar)); }

void EventFile::write(const std::string& message) {
  const std::string record = frame_record(message);
  if (std::fwrite(record.data(), 1, record.size(), file_) != record.size() || std::fflush(file_) != 0) {
    throw IoError(fmt::format("{}: {}; free some space", path_.string(), std::strerror(errno)));
  }
}

}  // namespace genu::train
