// TensorBoard's event files: TFRecord framing around protocol-buffer messages, written by hand.
//   record  = uint64 length, uint32 masked CRC-32C of it, bytes, uint32 masked CRC-32C of them; little-endian
//             (TensorFlow, core/lib/io/record_writer.h)
//   message = Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
//                     SessionLog session_log = 7; }, Summary { repeated Value { string tag = 1; float simple_value = 2;
//                     } }
//             (TensorFlow, core/util/event.proto and core/framework/summary.proto)
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace genu::train {

// One record around `message`.
std::string frame_record(std::string_view message);

struct Scalar {
  std::string tag;  // "train/loss"
  double value = 0;
};
std::string scalar_event(double wall_time_s, std::uint64_t step, const Scalar& scalar);

// A file of its own for each start of a run, as TensorBoard expects. What is written is there at once, so that a run
// can be watched; a kill costs at most the last record, which TensorBoard then skips.
class EventFile {
 public:
  // Makes "events.out.tfevents.SECONDS.HOST.PID" in `folder`. Tells TensorBoard that the run goes on from `first_step`:
  // it drops later points of earlier files, those that a killed run wrote after its last checkpoint. Throws IoError.
  EventFile(const std::filesystem::path& folder, std::uint64_t first_step);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Throws IoError.
  void add(std::uint64_t step, const Scalar& scalar);

 private:
  void write(const std::string& message);

  std::filesystem::path path_;
  std::FILE* file_ = nullptr;
};

}  // namespace genu::train
