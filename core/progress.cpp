#include "core/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace genu {

std::string progress_line(const std::string& title, std::size_t done, std::size_t total, const std::string& unit,
                          double seconds, const std::string& note) {
  constexpr std::size_t kWidth = 20;
  const double fraction = total > 0 ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 1.0;
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(kWidth));
  const std::string bar = std::string(filled, '=') + std::string(kWidth - filled, ' ');
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string left = "?";
  if (rate > 0 && done <= total) {
    const auto whole = static_cast<long>(static_cast<double>(total - done) / rate + 0.5);
    left = whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                         : fmt::format("{}:{:02}", whole / 60, whole % 60);
  }
  return fmt::format("{} {}/{} [{}] {:.{}f} {}/s, {} left{}{}", title, done, total, bar, rate, rate < 10 ? 1 : 0, unit,
                     left, note.empty() ? "" : ", ", note);
}

ProgressBar::ProgressBar(std::string title, std::size_t total, std::string unit)
    : title_(std::move(title)),
      total_(total),
      unit_(std::move(unit)),
      visible_(::isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_drawn_(start_) {}

ProgressBar::~ProgressBar() { draw(true); }

void ProgressBar::advance(std::size_t count) {
  done_ += count;
  draw(false);
}

void ProgressBar::set_note(std::string note) {
  const std::lock_guard lock(mutex_);
  note_ = std::move(note);
}

double ProgressBar::rate() const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return seconds > 0 ? static_cast<double>(done_) / seconds : 0;
}

void ProgressBar::draw(bool last) {
  if (!visible_) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return;
  const auto now = std::chrono::steady_clock::now();
  if (!last && now - last_drawn_ < std::chrono::milliseconds(100)) return;
  last_drawn_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::fprintf(stderr, "\r\033[K%s%s", progress_line(title_, done_, total_, unit_, seconds, note_).c_str(),
               last ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace genu
