// A batch source in memory: synthetic "knees" whose grade is the position of a bright bar, so that a network can learn
// it in seconds. Every batch is a pure function of (epoch, batch).
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/random.h"
#include "train/loop/batch_source.h"

namespace genu::train::testing {

struct FakeOptions {
  std::size_t sample_count = 20;
  int batch_size = 5;
  int size_px = 128;
  std::uint64_t seed = 1;
  enum class Order { kStored, kShuffled } order = Order::kShuffled;
};

class FakeSource : public BatchSource {
 public:
  explicit FakeSource(const FakeOptions& options) : options_(options) {}

  std::size_t batches_per_epoch() const override { return (options_.sample_count + batch_size() - 1) / batch_size(); }
  std::size_t samples_per_epoch() const override { return options_.sample_count; }
  std::vector<std::size_t> samples() const override {
    std::vector<std::size_t> all(options_.sample_count);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
  void seek(std::uint64_t epoch, std::size_t batch) override {
    epoch_ = epoch;
    next_ = batch;
  }
  void next(pipeline::Batch& batch) override {
    if (next_ == batches_per_epoch()) {
      ++epoch_;
      next_ = 0;
    }
    const auto order = epoch_order();
    const std::size_t first = next_ * batch_size();
    const std::size_t count = std::min(batch_size(), order.size() - first);
    batch.count = static_cast<int>(count);
    batch.channels = 1;
    batch.height_px = batch.width_px = options_.size_px;
    batch.samples.assign(order.begin() + static_cast<std::ptrdiff_t>(first),
                         order.begin() + static_cast<std::ptrdiff_t>(first + count));
    batch.labels.clear();
    batch.pixels.clear();
    for (const std::size_t sample : batch.samples) {
      batch.labels.push_back(static_cast<std::int64_t>(sample % 5));
      draw(sample, batch.pixels);
    }
    ++next_;
  }
  bool repeats_pixels() const override { return true; }
  SampleIdentity identity(std::size_t sample) const override {
    return {fmt::format("sample{:03}", sample), fmt::format("subject{:03}", sample / 2)};
  }

 private:
  std::size_t batch_size() const { return static_cast<std::size_t>(options_.batch_size); }
  std::vector<std::size_t> epoch_order() const {
    std::vector<std::size_t> order = samples();
    if (options_.order == FakeOptions::Order::kStored) return order;
    RandomStream stream(options_.seed, epoch_, "fake order");
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[stream.integer(static_cast<std::uint32_t>(i))]);
    }
    return order;
  }
  // Appends size_px * size_px values: noise, and a bar in the fifth of the height that belongs to the grade.
  void draw(std::size_t sample, std::vector<float>& out) const {
    const auto side = static_cast<std::size_t>(options_.size_px);
    const std::size_t begin = out.size();
    out.resize(begin + side * side);
    RandomStream(options_.seed, sample, "fake noise").fill_normal(std::span(out).subspan(begin));
    const std::size_t top = side * (sample % 5) / 5;
    for (std::size_t y = top; y < top + side / 5; ++y) {
      for (std::size_t x = 0; x < side; ++x) out[begin + y * side + x] += 2.0F;
    }
  }

  FakeOptions options_;
  std::uint64_t epoch_ = 0;
  std::size_t next_ = 0;
};

}  // namespace genu::train::testing
