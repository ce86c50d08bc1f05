#include "pipeline/quality/measure_listing.h"

#include <fmt/format.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <opencv2/core.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "core/errors.h"
#include "core/progress.h"
#include "pipeline/decode/crop.h"
#include "pipeline/quality/image_quality.h"

namespace genu::pipeline {

namespace {

struct Measured {
  ImageQuality quality;
  std::string fault;
};

Measured measure(const SourceSample& sample) {
  Measured measured;
  const std::string name = sample.path.string();
  try {
    DecodedImage image = decode_image_file(sample.path);
    if (sample.box) image = crop(image, *sample.box);
    measured.quality = measure_quality(image, sample.side);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::kData && error.exit_code() != ExitCode::kIo) throw;
    const std::string message = error.what();
    measured.fault = message.starts_with(name) ? message : name + ": " + message;
  }
  return measured;
}

using Size = std::pair<int, int>;

// The size that most pictures have; nothing where the pictures are boxes cut from films, each of its own size.
std::optional<Size> usual_size(const SourceListing& listing, const std::vector<Measured>& measured) {
  std::map<Size, std::size_t> counts;
  std::size_t most = 0;
  std::optional<Size> usual;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    if (!measured[i].fault.empty() || listing.samples[i].box) continue;
    const Size size = {measured[i].quality.width_px, measured[i].quality.height_px};
    const std::size_t count = ++counts[size];
    if (count > most) most = count, usual = size;
  }
  return usual;
}

// Pictures by what tells them apart: bytes and box.
class SeenPictures {
 public:
  // The path of the first sample with the same picture; empty if this is it, or if its bytes were not hashed.
  std::string earlier(const SourceSample& sample) {
    if (!sample.sha256) return "";
    const PixelBox box = sample.box.value_or(PixelBox{});
    const auto [first, is_new] = first_.try_emplace({*sample.sha256, box.left_px, box.top_px}, sample.path.string());
    return is_new ? "" : first->second;
  }

 private:
  std::map<std::tuple<Sha256Digest, int, int>, std::string> first_;
};

std::string joined(const std::vector<std::string>& flags) {
  std::string text;
  for (const auto& flag : flags) text += (text.empty() ? "" : ";") + flag;
  return text;
}

std::string cell(const std::optional<double>& value) { return value ? fmt::format("{:.1f}", *value) : std::string(); }

std::vector<std::string> row(const ImageQuality& q, const std::vector<std::string>& flags,
                             const std::string& duplicate_of) {
  return {joined(flags),
          std::to_string(q.width_px),
          std::to_string(q.height_px),
          fmt::format("{:.3f}", q.polarity),
          fmt::format("{:.2f}", q.black_percent),
          fmt::format("{:.2f}", q.white_percent),
          fmt::format("{:.1f}", q.mean_grey),
          fmt::format("{:.2f}", q.metal_percent),
          fmt::format("{:.2f}", q.colour_percent),
          cell(q.joint_row_percent),
          cell(q.joint_column_percent),
          cell(q.tilt_deg),
          duplicate_of};
}

}  // namespace

ListingQuality measure_listing(SourceListing& listing, FaultPolicy policy) {
  std::vector<Measured> measured(listing.samples.size());
  cv::setNumThreads(1);
  ProgressBar bar("quality", measured.size(), "images");
  tbb::parallel_for(std::size_t{0}, measured.size(), [&](std::size_t i) {
    measured[i] = measure(listing.samples[i]);
    bar.advance();
  });
  const auto usual = usual_size(listing, measured);
  ListingQuality result;
  result.cells.columns = {
      "flags",       "width_px",      "height_px",      "polarity",          "black_percent",        "white_percent",
      "mean_grey",   "metal_percent", "colour_percent", "joint_row_percent", "joint_column_percent", "tilt_deg",
      "duplicate_of"};
  SeenPictures seen;
  std::vector<SourceSample> kept;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    SourceSample& sample = listing.samples[i];
    if (!measured[i].fault.empty()) {
      report_fault(policy, measured[i].fault, listing.skipped);
      continue;
    }
    const ImageQuality& quality = measured[i].quality;
    std::vector<std::string> flags = quality_flags(quality);
    if (!sample.box && usual != Size{quality.width_px, quality.height_px}) flags.emplace_back("wrong_size");
    const std::string duplicate_of = seen.earlier(sample);
    if (!duplicate_of.empty()) flags.emplace_back("duplicate");
    for (const auto& flag : flags) ++result.flags[flag];
    result.cells.rows.push_back(row(quality, flags, duplicate_of));
    kept.push_back(std::move(sample));
  }
  listing.samples = std::move(kept);
  return result;
}

}  // namespace genu::pipeline
