#include "pipeline/pack/prepare_sample.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/errors.h"
#include "core/files.h"
#include "pipeline/decode/crop.h"
#include "pipeline/decode/decode_image.h"
#include "pipeline/preprocess/prepare_image.h"

namespace genu::pipeline {

namespace {

// Baked variants are addressed by what the sample is called, not by where it stands: adding a source changes no other
// sample's variants.
std::uint32_t sample_address(const SourceSample& sample) {
  const Sha256Digest digest = sha256(std::string(to_string(sample.source)) + "/" + sample.id);
  std::uint32_t address = 0;
  for (std::size_t i = 0; i < 4; ++i) address = address << 8 | digest[i];
  return address;
}

std::vector<std::uint8_t> bake(const PreparedImage& image, const AugmentParameters& augmentation) {
  std::vector<float> grey(image.pixels.size());
  apply_augmentation({image.pixels.data(), image.height_px, image.width_px}, augmentation, grey);
  std::vector<std::uint8_t> pixels(grey.size());
  std::transform(grey.begin(), grey.end(), pixels.begin(),
                 [](float value) { return static_cast<std::uint8_t>(value + 0.5f); });
  return pixels;
}

// In pieces whose sums fit 32 bits (255^2 x 4,096), which vectorises twice as wide.
void add_grey_sums(const std::vector<std::uint8_t>& pixels, PackedSample& facts) {
  constexpr std::size_t kPiece = 4096;
  for (std::size_t at = 0; at < pixels.size(); at += kPiece) {
    std::uint32_t sum = 0;
    std::uint32_t squares = 0;
    for (std::size_t i = at; i < std::min(at + kPiece, pixels.size()); ++i) {
      sum += pixels[i];
      squares += static_cast<std::uint32_t>(pixels[i]) * pixels[i];
    }
    facts.grey_sum += sum;
    facts.grey_square_sum += squares;
  }
}

void fill(const SourceSample& sample, const ShardConfig& config, PreparedSample& prepared) {
  PackedSample& facts = prepared.facts;
  facts.stamp = file_stamp(sample.path);  // before reading: a later change shows
  const auto bytes = read_file(sample.path);
  const std::string name = sample.path.string();
  facts.sha256 = sha256(std::as_bytes(std::span(bytes)));
  if (sample.sha256 && *sample.sha256 != facts.sha256) {
    throw DataError(name + ": its SHA-256 is not the manifest's; the file has changed, make the manifest again");
  }
  PreparedImage image;
  try {
    DecodedImage film = decode_image(bytes, name);
    facts.was_coloured = film.colour_percent > kMostColour_percent;
    if (sample.box) film = crop(film, *sample.box);
    image = prepare_image(film, sample.side, config.preprocess);
  } catch (const DataError& error) {
    const std::string message = error.what();
    throw DataError(message.starts_with(name) ? message : name + ": " + message);
  }
  facts.was_negative = image.was_negative;
  facts.was_mirrored = image.was_mirrored;
  facts.fingerprint = image_fingerprint({image.pixels.data(), image.height_px, image.width_px});
  add_grey_sums(image.pixels, facts);
  std::vector<EncodedRow> baked;
  if (sample.split == Split::kTrain) {
    for (int k = 1; k <= config.variants; ++k) {
      baked.push_back(encode_row(bake(image, baked_augmentation(sample, config, k)), config.storage));
    }
  }
  prepared.rows.push_back(encode_row(std::move(image.pixels), config.storage));
  std::move(baked.begin(), baked.end(), std::back_inserter(prepared.rows));
}

void leave_out(PreparedSample& prepared, const std::string& fault) {
  prepared.rows.clear();
  prepared.facts.fault = fault;
}

std::string too_large(const SourceSample& sample) {
  return sample.path.string() + ": takes more memory than there is; replace it or free some memory";
}

}  // namespace

AugmentParameters baked_augmentation(const SourceSample& sample, const ShardConfig& config, int variant) {
  if (variant == 0) return {};
  return draw_augmentation(config.augment, config.seed, static_cast<std::uint64_t>(variant), sample_address(sample));
}

PreparedSample prepare_sample(const SourceSample& sample, const ShardConfig& config) {
  PreparedSample prepared;
  try {
    fill(sample, config, prepared);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::kData && error.exit_code() != ExitCode::kIo) throw;
    leave_out(prepared, error.what());
  } catch (const std::bad_alloc&) {  // one file's, not the batch's
    leave_out(prepared, too_large(sample));
  } catch (const std::length_error&) {
    leave_out(prepared, too_large(sample));
  }
  return prepared;
}

ShardConfig fit_config(const std::vector<SourceSample>& samples, const ShardConfig& config) {
  ShardConfig fitted = config;
  PreprocessConfig& preprocess = fitted.preprocess;
  if (preprocess.match_histogram == HistogramMatching::kOff || !preprocess.histogram_reference.empty()) return fitted;
  std::mutex mutex;
  GreyHistogram counts{};
  tbb::parallel_for(std::size_t{0}, samples.size(), [&](std::size_t i) {
    if (samples[i].split != Split::kTrain) return;
    try {
      DecodedImage film = decode_image_file(samples[i].path);
      if (samples[i].box) film = crop(film, *samples[i].box);
      const GreyHistogram one = grey_histogram(film, preprocess);
      const std::lock_guard lock(mutex);
      for (std::size_t level = 0; level < counts.size(); ++level) counts[level] += one[level];
    } catch (const DataError&) {  // packing will name it
    } catch (const IoError&) {
    } catch (const std::bad_alloc&) {
    } catch (const std::length_error&) {
    }
  });
  if (std::all_of(counts.begin(), counts.end(), [](std::uint64_t count) { return count == 0; })) {
    throw DataError("match_histogram: train needs usable training images; check the sources or turn it off");
  }
  preprocess.histogram_reference = histogram_reference(counts);
  return fitted;
}

}  // namespace genu::pipeline
