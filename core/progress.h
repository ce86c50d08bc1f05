// A progress bar on stderr with rate and time left, drawn only where stderr is a terminal.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>

namespace genu {

// Thread-safe: any thread may call advance().
class ProgressBar {
 public:
  // `unit` names what is counted: "images", "steps".
  ProgressBar(std::string title, std::size_t total, std::string unit);
  // Ends the line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void advance(std::size_t count = 1);
  // Text after the figures, such as the running loss.
  void set_note(std::string note);

  // Items a second since the bar was made.
  double rate() const;

 private:
  void draw(bool last);

  std::string title_;
  std::size_t total_;
  std::string unit_;
  bool visible_;
  std::chrono::steady_clock::time_point start_;
  std::atomic<std::size_t> done_{0};
  std::mutex mutex_;
  std::chrono::steady_clock::time_point last_drawn_;
  std::string note_;
};

// "images  512/1510 [========>           ]  640 images/s  0:02 left", for a width of 80.
std::string progress_line(const std::string& title, std::size_t done, std::size_t total, const std::string& unit,
                          double seconds, const std::string& note);

}  // namespace genu
